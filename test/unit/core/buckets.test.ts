import { expect } from 'chai'
import fc from 'fast-check'
import { addPacked, boundOf, bucketOf, BUCKETS, Histogram, packed, percentile } from '../../../src/core/buckets.ts'

describe('buckets', () => {
  it('hold each value up to their bound, and no value of the bucket before', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.001, max: 4e6, noNaN: true }), (value) => {
        const bucket = bucketOf(value)
        // The last digit of a bound may be rounded.
        expect(value).to.be.at.most(boundOf(bucket) * (1 + 1e-12))
        expect(value).to.be.above(boundOf(bucket - 1) * (1 - 1e-12))
      }),
    )
    for (const bound of [1, 2, 4, 64, 1024, 65_536]) expect(boundOf(bucketOf(bound))).to.equal(bound)
    expect([bucketOf(-1), bucketOf(0), bucketOf(1), bucketOf(1e9)]).to.deep.equal([0, 0, 0, BUCKETS - 1])
  })

  it('tell percentiles that are at most 19 % off', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1.001, max: 4e6, noNaN: true }), { minLength: 1 }), (values) => {
        const times = new Histogram()
        for (const value of values) times.observe(value)
        const sorted = values.toSorted((a, b) => a - b)
        for (const share of [0.5, 0.95]) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0
          // The last bucket has no middle, and a percentile has three digits.
          expect((percentile(times.counts, share) ?? 0) / exact).to.be.within(0.83, 1.197)
        }
      }),
    )
  })

  it('tell nothing of nothing, and a bound of the first and the last', () => {
    const times = new Histogram()
    expect(percentile(times.counts, 0.5)).to.equal(null)
    times.observe(0.2)
    expect(percentile(times.counts, 0.95)).to.equal(1)
    for (let i = 0; i < 9; i += 1) times.observe(1e9)
    expect(percentile(times.counts, 0.95)).to.equal(4_190_000)
    expect(times.sum).to.equal(9e9 + 0.2)
  })

  it('are the same when they were packed and added up', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: BUCKETS, maxLength: BUCKETS }), (counts) => {
        const sum = new Float64Array(BUCKETS)
        const short = packed(counts)
        if (short) for (let i = 0; i < 2; i += 1) addPacked(sum, short)
        expect([...sum]).to.deep.equal(counts.map((count) => 2 * count))
      }),
    )
    expect(packed([0, 0, 3, 0, 1, 0])).to.deep.equal([2, 3, 0, 1])
    expect(packed([0, 0])).to.equal(null)
  })

  it('leave out what another release packed beyond them', () => {
    const sum = new Float64Array(BUCKETS)
    addPacked(sum, [BUCKETS - 1, 1, 5])
    expect([...sum].filter((count) => count > 0)).to.deep.equal([1])
  })
})
