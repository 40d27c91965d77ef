import { expect } from 'chai'
import * as fc from 'fast-check'
import { MAX_RETRY_AFTER, backoff, pollWait, retryAfter } from '../../../src/core/backoff.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('backoff', () => {
  const retry = { attempts: 20, backoff: 250, maxBackoff: 30_000 }

  for (const [fails, least, most] of [
    [1, 125, 250],
    [2, 250, 500],
    [3, 500, 1_000],
    [7, 8_000, 16_000],
    [8, 15_000, 30_000],
    [20, 15_000, 30_000],
    [1_000_000, 15_000, 30_000],
  ] as const)
    it(`is ${least} to ${most} ms after ${fails} failed tries`, () => {
      expect(backoff(retry, fails, 0)).to.equal(least)
      expect(backoff(retry, fails, 0.5)).to.equal((least + most) / 2)
      expect(backoff(retry, fails, 1 - Number.EPSILON)).to.be.closeTo(most, 0.001)
    })

  it('lies between half of the full wait and all of it, and never above maxBackoff', () => {
    const settings = fc.record({
      attempts: fc.nat(),
      backoff: fc.integer({ min: 1, max: 1e9 }),
      maxBackoff: fc.integer({ min: 1, max: 1e9 }),
    })
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 1e9 }), random, (set, fails, chance) => {
        const wait = backoff(set, fails, chance)
        const full = backoff(set, fails, 0) * 2
        expect(wait).to.be.within(full / 2, full)
        expect(wait).to.be.at.most(set.maxBackoff)
      }),
    )
  })
})

describe('the wait of a poll', () => {
  for (const [repeats, wait] of [
    [1, 100],
    [2, 200],
    [3, 400],
    [6, 3_200],
    [7, 5_000],
    [1_000_000, 5_000],
  ] as const)
    it(`is ${wait} ms after ${repeats} answers that changed nothing`, () => expect(pollWait(repeats)).to.equal(wait))
})

describe('Retry-After', () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7)

  for (const [header, wait] of [
    ['0', 0],
    ['3', 3_000],
    [' 120 ', 120_000],
    ['86400', MAX_RETRY_AFTER],
    ['86401', MAX_RETRY_AFTER],
    ['9'.repeat(400), MAX_RETRY_AFTER],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:49:07 GMT', 0],
    ['Sat, 05 Nov 1994 08:49:37 GMT', 0],
    ['Mon, 07 Nov 1994 08:49:08 GMT', MAX_RETRY_AFTER],
    ['Fri, 06 Nov 2099 08:49:37 GMT', MAX_RETRY_AFTER],
  ] as const)
    it(`${header.slice(0, 40)} is ${wait} ms`, () => expect(retryAfter(header, now)).to.equal(wait))

  it('is in UTC also in the form that names no zone, wherever the node runs', () => {
    const { TZ } = process.env
    process.env['TZ'] = 'Asia/Tokyo'
    try {
      expect(new Date(now).getTimezoneOffset()).to.equal(-540)
      expect(retryAfter('Sun Nov  6 08:49:37 1994', now)).to.equal(30_000)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })

  for (const header of [
    undefined,
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '3s',
    '3, 4',
    'soon',
    'Soon 1',
    'May 5',
    'Sun, 06 Nov 1994',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    '1994-11-06T08:49:37Z',
  ])
    it(`${JSON.stringify(header) ?? 'no header'} makes no sense`, () =>
      expect(retryAfter(header, now)).to.equal(undefined))

  it('never throws, and asks for 0 to 24 h', () => {
    const header = fc.oneof(
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.nat().map(String),
    )
    fc.assert(
      fc.property(header, fc.integer({ min: 0, max: 4e12 }), (text, at) => {
        const wait = retryAfter(text, at)
        if (wait !== undefined) expect(wait).to.be.within(0, MAX_RETRY_AFTER)
      }),
    )
  })
})
