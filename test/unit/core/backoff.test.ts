import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { backoff, pollWait } from '../../../src/core/backoff.ts'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'

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

describe('the tries of a step, by default', () => {
  const { retry } = SERVICE_DEFAULTS
  /** All waits between the tries, in minutes, rounded to a tenth. */
  const minutes = (random: number): number => {
    const waits = Array.from({ length: retry.attempts - 1 }, (_, i) => backoff(retry, i + 1, random))
    return Math.round(waits.reduce((sum, wait) => sum + wait, 0) / 6_000) / 10
  }

  it('take 3.3 to 6.5 minutes, 4.9 at the median, and the documents say so', () => {
    expect([minutes(0), minutes(0.5), minutes(1 - Number.EPSILON)]).to.deep.equal([3.3, 4.9, 6.5])
    expect(readFileSync('docs/contract.md', 'utf8')).to.contain('about 5 minutes (3.3 to 6.5)')
    expect(readFileSync('docs/operations.md', 'utf8')).to.contain('at the median 4.9; 3.3 to 6.5')
  })
})
