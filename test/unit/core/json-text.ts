// JSON texts for property tests: any text, in any spacing and any escaping, and texts that are nearly JSON.
import * as fc from 'fast-check'

/** Whether JSON.parse accepts a text. */
export function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whitespace as JSON allows it. */
export const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 })

/** JSON text with whitespace wherever it may stand, in many forms: escapes, exponents, duplicate names. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom('null', 'true', 'false', '0', '-0', '1e400', '12345678901234567890123', '0.10', '-1.5E-3', '""'),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      stringLiteral(),
    ),
    fc
      .array(spaced(tie('value')), { maxLength: 5 })
      .chain((items) => space.map((gap) => `[${items.join(',') || gap}]`)),
    fc
      .array(
        fc.tuple(spaced(stringLiteral()), spaced(tie('value'))).map((pair) => pair.join(':')),
        { maxLength: 5 },
      )
      .chain((pairs) => space.map((gap) => `{${pairs.join(',') || gap}}`)),
  ),
})).value

/** A text with whitespace around it. */
export function spaced(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(''))
}

/** A string literal, with escapes that nobody needs and half pairs. */
export function stringLiteral(): fc.Arbitrary<string> {
  const unit = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).map((c) => JSON.stringify(c).slice(1, -1)),
    fc.constantFrom('\\u0000', '\\ud800', '\\uDFFF', '\\/', '\\"', '\\\\', '\\n', '\u2028', '{', '[', '}', ',', ':'),
  )
  return fc.array(unit, { maxLength: 6 }).map((units) => `"${units.join('')}"`)
}

/** JSON text that was cut, overwritten or extended in up to three places. */
export const mutatedText: fc.Arbitrary<string> = (() => {
  const pieces = [
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '1',
    '-',
    '+',
    '.',
    'e',
    'u',
    'true',
    ' ',
    '\u0000',
    '\u0007',
    'é',
  ]
  return fc
    .tuple(
      spaced(jsonText),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2), fc.constantFrom(...pieces)), {
        minLength: 1,
        maxLength: 3,
      }),
    )
    .map(([text, edits]) => edits.reduce(mutate, text))
})()

function mutate(text: string, [where, kind, piece]: [number, number, string]): string {
  const at = text.length === 0 ? 0 : where % text.length
  return text.slice(0, at) + (kind === 1 ? '' : piece) + text.slice(kind === 0 ? at : at + 1)
}
