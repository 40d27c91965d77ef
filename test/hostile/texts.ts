// Arbitrary tasks and what becomes of them: odd JSON in odd order, and bytes that were changed on the way.
import * as fc from 'fast-check'
import { jsonText, spaced, stringLiteral } from '../unit/core/json-text.ts'

const long = (unit: string, min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((length) => unit.repeat(length))

/** Names that mean something to JavaScript, and names that come twice. */
const odd = fc
  .array(
    fc.tuple(
      fc.constantFrom('__proto__', 'constructor', 'toJSON', 'a', 'a', '', '0', '\\u0061', '\\u0000', '\\ud800', 'é'),
      fc.constantFrom('1', '{"__proto__":null}', '"\\ud800"', '[ ]', '-0', '1E+0', '{"a":1,"a":2}'),
    ),
    { maxLength: 6 },
  )
  .map((pairs) => `{${pairs.map(([name, value]) => `"${name}":${value}`).join(',')}}`)

/** Around the depth of 512, where the task's own object is one. */
const deep = fc
  .tuple(
    fc.integer({ min: 490, max: 530 }),
    fc.constantFrom(['[', ']'] as const, ['{"a":', '}'] as const, ['[ {"":', '}\n]'] as const),
  )
  .map(([depth, [open, close]]) => open.repeat(depth) + '0' + close.repeat(depth))

const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.constantFrom('1', '9', '0.0', '12.3', '0'),
    long('7', 0, 400),
    fc.constantFrom('', 'e9', 'E-999', 'e+007'),
  )
  .map((parts) => parts.join(''))

/** JSON text, and a little that is none. */
const payload = fc.oneof(
  { arbitrary: spaced(jsonText), weight: 8 },
  { arbitrary: odd, weight: 2 },
  { arbitrary: number, weight: 2 },
  { arbitrary: deep, weight: 1 },
  { arbitrary: long('x', 0, 9_000).map((text) => `"${text}é\u{1f600}"`), weight: 1 },
  { arbitrary: fc.array(stringLiteral(), { maxLength: 200 }).map((texts) => `[${texts.join(' ,\t')}]`), weight: 1 },
)

const service = fc.oneof(
  { arbitrary: fc.constantFrom('"svc"', '"s\\u0076c"', '"\\u0073\\u0076\\u0063"'), weight: 20 },
  { arbitrary: fc.constantFrom('"SVC"', '""', 'null', '["svc"]', '"svc\\u0000"', '"\\ud800"', '1'), weight: 1 },
)

const action = fc.oneof(
  { arbitrary: fc.constantFrom('"ok"', '"loop"', '"l\\u006fop"', '"same"', '"a.b~c-d_E9"', '"..."'), weight: 20 },
  {
    arbitrary: fc.constantFrom('".."', '"."', '""', '"a/b"', '"é"', '{}', '"\\ud800"', `"${'a'.repeat(201)}"`),
    weight: 1,
  },
)

const name = (word: string, other: string): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: fc.constant(word), weight: 20 }, { arbitrary: fc.constant(other), weight: 2 })

const member = (names: fc.Arbitrary<string>, values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(spaced(names), spaced(values)).map((pair) => pair.join(':'))

/** A member that a task should not have, or should not have again. */
const extra = member(
  fc.constantFrom('"x"', '"payload"', '"\\u0070ayload"', '"service"', '"__proto__"', '""'),
  fc.constantFrom('1', '"svc"'),
)

/** A member where there is mostly one, or mostly none. */
const maybe = (one: fc.Arbitrary<string>, some: number, none: number): fc.Arbitrary<string[]> =>
  fc.oneof(
    { arbitrary: one.map((text) => [text]), weight: some },
    { arbitrary: fc.constant<string[]>([]), weight: none },
  )

/** The text of a body: mostly a task. */
export const body: fc.Arbitrary<string> = fc
  .tuple(
    maybe(member(name('"service"', '"\\u0073ervice"'), service), 40, 1),
    maybe(member(name('"action"', '"\\u0061ction"'), action), 40, 1),
    maybe(member(name('"payload"', '"pay\\u006Coad"'), payload), 12, 1),
    maybe(extra, 1, 14),
  )
  .chain((members) => {
    const all = members.flat()
    return spaced(fc.shuffledSubarray(all, { minLength: all.length }).map((shuffled) => `{${shuffled.join(',')}}`))
  })

type Edit = (bytes: Buffer, at: number, byte: number) => Buffer

const EDITS: Readonly<Record<string, Edit>> = {
  flip: (bytes, at, byte) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([(bytes[at] ?? 0) ^ (1 << (byte % 8))]), bytes.subarray(at + 1)]),
  put: (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)]),
  insert: (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]),
  drop: (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  cut: (bytes, at) => bytes.subarray(0, at),
  repeat: (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - (byte % 20)))]),
}

const byte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(...Buffer.from('"\\{}[],:0 \r\n\0\x80\xff', 'latin1')),
)

/** Bytes with one to three edits in them. */
export const edited = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      bytes,
      fc.array(fc.tuple(fc.constantFrom(...Object.values(EDITS)), fc.nat(), byte), { minLength: 1, maxLength: 3 }),
    )
    .map(([bytes, edits]) =>
      edits.reduce((bytes, [edit, where, byte]) => edit(bytes, where % (bytes.length + 1), byte), bytes),
    )
