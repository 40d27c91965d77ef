// The rules of a limit, for the file and for the API, and what Postgres grants by.
import { expect } from 'chai'
import { faultsOfLimit, rateOf, termsOf } from '../../../src/core/limit.ts'

/** Values, and the members that are at fault; '' is the whole. */
const CASES: readonly (readonly [unknown, readonly string[]])[] = [
  [{ concurrency: 1 }, []],
  [{ concurrency: 100_000, rate: '1/h', burst: 10_000_000 }, []],
  [{ rate: '9999999/s' }, []],
  [{ concurrency: 0 }, ['concurrency']],
  [{ concurrency: 100_001 }, ['concurrency']],
  [{ concurrency: NaN }, ['concurrency']],
  [{ concurrency: '5' }, ['concurrency']],
  [{ rate: '10000000/s' }, ['rate']],
  [{ rate: '1/s\n' }, ['rate']],
  [{ rate: ['1/s'] }, ['rate']],
  [{ rate: '1/s', burst: 0.5 }, ['burst']],
  [{ burst: 5 }, ['burst']],
  [{ burst: 5, concurrency: 1 }, ['burst']],
  [{ concurrency: 1, toString: 1, rates: '1/s' }, ['toString', 'rates']],
  [{}, ['']],
  [[], ['']],
  [null, ['']],
  ['1/s', ['']],
]

describe('a limit', () => {
  for (const [value, members] of CASES)
    it(`${members.length === 0 ? 'may be' : 'is not'} ${JSON.stringify(value)}`, () => {
      expect(faultsOfLimit(value).map(({ member }) => member)).to.deep.equal(members)
    })

  it('bursts by the number of its rate, where nothing else is said', () => {
    expect(termsOf({ rate: '50/s' })).to.deep.equal({ concurrency: null, interval: 20, burst: 50 })
    expect(termsOf({ rate: '6/m', burst: 1, concurrency: 2 })).to.deep.equal({
      concurrency: 2,
      interval: 10_000,
      burst: 1,
    })
    expect(termsOf({ concurrency: 2 })).to.deep.equal({ concurrency: 2, interval: null, burst: null })
  })

  it('reads rates by second, minute and hour', () => {
    expect(['5/s', '5/m', '5/h'].map((text) => rateOf(text)?.perMs)).to.deep.equal([1_000, 60_000, 3_600_000])
    expect(['', '5', '05/s', '-5/s', '5/d', '5 /s', '5/S'].map(rateOf)).to.deep.equal(Array(7).fill(undefined))
  })
})
