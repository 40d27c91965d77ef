import { expect } from 'chai'
import * as fc from 'fast-check'
import { DURATION_PATTERN, formatDuration, parseDuration } from '../../../src/core/units.ts'

describe('durations', () => {
  for (const [text, milliseconds] of [
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ] as const) {
    it(`reads the duration ${text}`, () => expect(parseDuration(text)).to.equal(milliseconds))
  }

  for (const text of [
    '',
    '30',
    '30 s',
    ' 30s',
    '30s\n',
    '1.5s',
    '-1s',
    '+1s',
    '1e3ms',
    '030s',
    '1h30m',
    '1S',
    '1w',
    's',
  ]) {
    it(`refuses the duration ${JSON.stringify(text)}`, () => expect(parseDuration(text)).to.equal(undefined))
  }

  it('refuses what is too large to be counted exactly', () => {
    expect(parseDuration('9007199254740991ms')).to.equal(Number.MAX_SAFE_INTEGER)
    expect(parseDuration('9007199254740992ms')).to.equal(undefined)
    expect(parseDuration('104249991375d')).to.equal(undefined)
    expect(parseDuration(`${'9'.repeat(400)}d`)).to.equal(undefined)
  })

  it('prints the largest unit that loses nothing', () => {
    expect([0, 1, 1000, 1001, 90_000, 3_600_000, 604_800_000].map(formatDuration)).to.deep.equal([
      '0',
      '1ms',
      '1s',
      '1001ms',
      '90s',
      '1h',
      '7d',
    ])
  })

  it('refuses to print what is not a whole number of 0 or more', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity]) expect(() => formatDuration(value)).to.throw(RangeError)
  })

  const amounts = fc.oneof(
    fc.maxSafeNat(),
    fc.nat({ max: 10_000 }).chain((n) => fc.constantFrom(n * 1000, n * 60_000, n * 86_400_000)),
  )

  it('reads back every duration that it prints', () => {
    fc.assert(fc.property(amounts, (amount) => parseDuration(formatDuration(amount)) === amount))
  })

  it('prints a read duration no longer than it was written', () => {
    const written = fc
      .tuple(fc.nat({ max: 1_000_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
      .map((pair) => pair.join(''))
    fc.assert(fc.property(written, (text) => formatDuration(parseDuration(text) ?? -1).length <= text.length))
  })

  it('accepts no text that its pattern does not match', () => {
    const texts = fc.string({ unit: fc.constantFrom(...Array.from('01259msdh. -\n')), maxLength: 8 })
    fc.assert(
      fc.property(texts, (text) => parseDuration(text) === undefined || new RegExp(DURATION_PATTERN).test(text)),
    )
  })
})
