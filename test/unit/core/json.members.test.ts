// Where the members of an object lie: every slice is the very text that was put in.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { checkJson, type MembersScan, scanMembers } from '../../../src/core/json.ts'
import { MAX_DEPTH } from '../../../src/core/limits.ts'
import { jsonText, mutatedText, parses, space, spaced, stringLiteral } from './json-text.ts'

const scan = (text: string): MembersScan => scanMembers(Buffer.from(text), MAX_DEPTH)

/** The members of a text as [name, text of the value]. */
function slices(text: string): [string, string][] {
  const raw = Buffer.from(text)
  const found = scanMembers(raw, MAX_DEPTH)
  if (found.kind !== 'members') throw new Error(`${found.kind}: ${text}`)
  return found.members.map(({ name, start, end }) => [name, raw.subarray(start, end).toString()])
}

describe('core/json scanMembers', () => {
  it('gives every member in order, its name decoded and its value byte for byte', () => {
    const member = fc.record({
      name: stringLiteral(),
      value: jsonText,
      gaps: fc.array(space, { minLength: 4, maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 4 }), space, (members, gap) => {
        const pairs = members.map(({ name, value, gaps: [a, b, c, d] }) => `${a}${name}${b}:${c}${value}${d}`)
        expect(slices(`${gap}{${pairs.join(',')}}${gap}`)).to.deep.equal(
          members.map(({ name, value }) => [JSON.parse(name), value]),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('says of any text that is not an object what checkJson says of it', () => {
    fc.assert(
      fc.property(fc.oneof(mutatedText, spaced(jsonText)), (raw) => {
        const text = Buffer.from(raw).toString()
        const { kind } = scan(text)
        const isObject = parses(text) && text.trim().startsWith('{')
        expect(kind).to.equal(isObject ? 'members' : parses(text) ? 'not_object' : 'malformed')
        expect(checkJson(Buffer.from(text), MAX_DEPTH)).to.equal(kind === 'malformed' ? 'malformed' : 'ok')
      }),
      { numRuns: 1000 },
    )
  })

  it('scans a part of a larger buffer by its own offsets', () => {
    const whole = Buffer.from('xxx{"\\u0061":"é"}yyy')
    const part = whole.subarray(3, -3)
    expect(scanMembers(part, MAX_DEPTH)).to.deep.equal({
      kind: 'members',
      members: [{ name: 'a', start: 10, end: 14 }],
    })
  })

  const tables: [string, [string, string][]][] = [
    ['{}', []],
    [' { } ', []],
    ['{"a":1}', [['a', '1']]],
    ['{"\\u0073ervice":"x"}', [['service', '"x"']]],
    [
      '{"a":1,"\\u0061":2,"a":3}',
      [
        ['a', '1'],
        ['a', '2'],
        ['a', '3'],
      ],
    ],
    [
      '{"":{}, "__proto__":[ ]}',
      [
        ['', '{}'],
        ['__proto__', '[ ]'],
      ],
    ],
    [
      '{"\\ud800":1,"\\"":2,"\\\\":3}',
      [
        ['\ud800', '1'],
        ['"', '2'],
        ['\\', '3'],
      ],
    ],
    [
      '{"ключ":"значение","😀":"😀"}',
      [
        ['ключ', '"значение"'],
        ['😀', '"😀"'],
      ],
    ],
  ]
  for (const [text, members] of tables) {
    it(`reads ${text}`, () => {
      expect(slices(text)).to.deep.equal(members)
    })
  }

  const refusals: [string, MembersScan][] = [
    ['', { kind: 'malformed', at: 0 }],
    ['[]', { kind: 'not_object' }],
    [' "{}" ', { kind: 'not_object' }],
    ['null', { kind: 'not_object' }],
    ['[1,', { kind: 'malformed', at: 3 }],
    ['{', { kind: 'malformed', at: 1 }],
    ['{"a"', { kind: 'malformed', at: 4 }],
    ['{"a":1', { kind: 'malformed', at: 6 }],
    ['{"a":1,}', { kind: 'malformed', at: 7 }],
    ['{"a":tru}', { kind: 'malformed', at: 8 }],
    ['{"a":"\\u00x0"}', { kind: 'malformed', at: 10 }],
    ['{"a":-}', { kind: 'malformed', at: 6 }],
    ['{"a":012}', { kind: 'malformed', at: 6 }],
    ['{}}', { kind: 'malformed', at: 2 }],
    ['\ufeff{}', { kind: 'malformed', at: 0 }],
  ]
  for (const [text, refusal] of refusals) {
    it(`refuses ${JSON.stringify(text)} as ${refusal.kind}`, () => {
      expect(scan(text)).to.deep.equal(refusal)
    })
  }

  it('counts the object itself as a level', () => {
    expect(scan(nested(MAX_DEPTH)).kind).to.equal('members')
    expect(scan(nested(MAX_DEPTH + 1)).kind).to.equal('too_deep')
    expect(scan(`[${nested(MAX_DEPTH)}]`).kind).to.equal('too_deep')
    expect(scanMembers(Buffer.from('{}'), 0).kind).to.equal('too_deep')
  })
})

/** An object that is nested so many containers deep, itself included. */
const nested = (depth: number): string => `{"a":1,"b":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
