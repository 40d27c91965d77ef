// The bucket of a quota, at given times.
import { expect } from 'chai'
import fc from 'fast-check'
import { type Bucket, take } from '../../../src/core/quota.ts'

const PACE = { interval: 10, burst: 100 }

describe('the bucket of a quota', () => {
  it('is full at first, and empty after its burst', () => {
    const first = take(undefined, PACE, 100, 0)
    expect(first).to.deep.equal({ bucket: { tokens: 0, at: 0 }, wait: 0 })
    expect(take(first.bucket, PACE, 1, 0).wait).to.equal(10)
  })

  it('fills one token an interval, and never over its burst', () => {
    const empty = { tokens: 0, at: 0 }
    expect(take(empty, PACE, 5, 49).wait).to.be.closeTo(1, 1e-9)
    expect(take(empty, PACE, 5, 50)).to.deep.equal({ bucket: { tokens: 0, at: 50 }, wait: 0 })
    expect(take(empty, PACE, 100, 1e9).bucket.tokens).to.equal(0)
  })

  it('is overdrawn by a batch that is larger, which needs a full one', () => {
    expect(take({ tokens: 99, at: 0 }, PACE, 1_000, 0)).to.deep.equal({ bucket: { tokens: 99, at: 0 }, wait: 10 })
    const { bucket } = take({ tokens: 99, at: 0 }, PACE, 1_000, 10)
    expect(bucket).to.deep.equal({ tokens: -900, at: 10 })
    expect(take(bucket, PACE, 1, 10).wait).to.equal(9_010)
    expect(take(bucket, PACE, 1, 9_020)).to.deep.equal({ bucket: { tokens: 0, at: 9_020 }, wait: 0 })
  })

  it('follows a pace that is changed', () => {
    const full = take(undefined, PACE, 0, 0).bucket
    expect(take(full, { interval: 10, burst: 5 }, 5, 0).bucket.tokens).to.equal(0)
    expect(take(full, { interval: 1, burst: 1_000 }, 1_000, 0).wait).to.equal(900)
  })

  it('lets at most burst + rate tokens go in any time, and never more than once over', () => {
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 300 })))
    fc.assert(
      fc.property(asks, (all) => {
        let [now, bucket, before]: [number, Bucket | undefined, number] = [0, undefined, 0]
        for (const [later, wanted] of all) {
          now += later
          const taken = take(bucket, PACE, wanted, now)
          bucket = taken.bucket
          // What was taken before this one; this one may overdraw.
          if (taken.wait === 0) {
            expect(before + Math.min(wanted, PACE.burst)).to.be.at.most(PACE.burst + now / PACE.interval + 1e-6)
            before += wanted
          } else expect(take(bucket, PACE, wanted, now + taken.wait + 1e-6).wait).to.equal(0)
        }
      }),
    )
  })
})
