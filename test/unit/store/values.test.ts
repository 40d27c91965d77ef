// What becomes of values that no Postgres sends.
import { expect } from 'chai'
import { types } from '../../../src/store/values.ts'

const parsed = (oid: number, text: string): unknown =>
  (types.getTypeParser(oid, 'text') as (text: string) => unknown)(text)

describe('a value of an answer', () => {
  for (const [oid, name] of [
    [21, 'int2'],
    [23, 'int4'],
    [700, 'float4'],
    [701, 'float8'],
  ] as const) {
    it(`is a number (${name})`, () => {
      expect(parsed(oid, '-12')).to.equal(-12)
    })
    for (const text of ['', 'x', '1x', '1:2', 'NaN', 'Infinity'])
      it(`is refused where it is ${JSON.stringify(text)} (${name})`, () => {
        expect(() => parsed(oid, text)).to.throw('a number that is none')
      })
  }

  it('is a UUID, or is refused', () => {
    const uuid = '1f7677e6-4431-450b-a2c1-38bbff061e9c'
    expect(parsed(2950, uuid)).to.equal(uuid)
    for (const text of ['', uuid.slice(1), `${uuid}\u0001`, uuid.replace('e', 'g'), uuid.replace('-', '\n')])
      expect(() => parsed(2950, text), JSON.stringify(text)).to.throw('a UUID that is none')
  })

  it('is text where JSON and times are', () => {
    expect(parsed(114, '{"a": 1.0}')).to.equal('{"a": 1.0}')
    expect(parsed(1184, '2026-01-01 00:00:00.123456+00')).to.equal('2026-01-01 00:00:00.123456+00')
  })
})
