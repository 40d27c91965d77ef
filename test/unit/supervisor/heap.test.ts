import { expect } from 'chai'
import { threadHeap } from '../../../src/supervisor/heap.ts'

const GIB = 1024 ** 3

describe('the heap of a thread', () => {
  it('is its part of three quarters of the memory, as far as V8 would go', () => {
    expect([1, 3, 4].map((threads) => threadHeap(threads, 16 * GIB))).to.deep.equal([4_096, 4_096, 3_072])
  })

  it('holds some tasks of the largest size however small the machine', () => {
    expect(threadHeap(4, GIB / 2)).to.equal(256)
  })

  it('goes by the machine that this is, or by what its container may use', () => {
    expect(threadHeap(1)).to.be.at.least(256)
    expect(threadHeap(16)).to.be.at.most(threadHeap(1))
  })
})
