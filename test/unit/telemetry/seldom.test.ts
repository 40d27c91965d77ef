import { expect } from 'chai'
import { Seldom } from '../../../src/telemetry/seldom.ts'

describe('what is seldom worth a line', () => {
  it('is worth one at once, then not for a while, and is counted meanwhile', () => {
    const seldom = new Seldom(1_000)
    expect([0, 1, 999, 1_000, 1_500, 9_000].map((now) => seldom.happened(now))).to.deep.equal([
      1,
      undefined,
      undefined,
      3,
      undefined,
      2,
    ])
  })
})
