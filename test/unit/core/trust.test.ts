import { expect } from 'chai'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'

const WINDOW = 8_000n

describe('trust', () => {
  let trust: Trust
  let buffer: SharedArrayBuffer

  beforeEach(() => {
    buffer = trustBuffer()
    trust = new Trust(buffer)
  })

  it('is there for nobody before the first good beat', () => {
    expect(trust.holds(0n)).to.equal(false)
    expect(trust.holds(1n)).to.equal(false)
    expect(trust.epoch).to.equal(0)
  })

  it('reaches as far as the window beyond the start of the beat, not beyond its end', () => {
    trust.extend(100n, 3_000n, WINDOW)
    expect(trust.holds(8_099n)).to.equal(true)
    expect(trust.holds(8_100n)).to.equal(false)
  })

  it('stays in its epoch while beats keep it without a gap', () => {
    trust.extend(0n, 10n, WINDOW)
    const { epoch } = trust
    for (const begun of [2_000n, 4_000n, 11_000n]) trust.extend(begun, begun + 10n, WINDOW)
    expect(trust.epoch).to.equal(epoch)
    expect(trust.holds(18_999n)).to.equal(true)
  })

  it('begins a new epoch when it comes back after a lapse', () => {
    trust.extend(0n, 10n, WINDOW)
    const { epoch } = trust
    trust.extend(7_900n, 8_000n, WINDOW)
    expect(trust.epoch).to.equal(epoch + 1)
  })

  it('begins a new epoch when it comes back after it was revoked', () => {
    trust.extend(0n, 10n, WINDOW)
    const { epoch } = trust
    trust.revoke()
    expect(trust.holds(20n)).to.equal(false)
    trust.extend(20n, 30n, WINDOW)
    expect(trust.holds(40n)).to.equal(true)
    expect(trust.epoch).to.equal(epoch + 1)
  })

  it('does not come back by a beat whose answer took longer than the window', () => {
    trust.extend(0n, 9_000n, WINDOW)
    expect(trust.holds(9_000n)).to.equal(false)
  })

  it('is seen alike by everybody who shares the memory', () => {
    const other = new Trust(buffer)
    trust.extend(0n, 10n, WINDOW)
    expect(other.holds(7_999n)).to.equal(true)
    expect(other.epoch).to.equal(trust.epoch)
    trust.revoke()
    expect(other.holds(20n)).to.equal(false)
  })

  it('is gone for every thread at once when this node stops, and no beat brings it back', () => {
    const ofThread = new Trust(buffer)
    trust.extend(0n, 10n, WINDOW)
    expect(trust.closed).to.equal(false)
    trust.close()
    expect(trust.closed).to.equal(true)
    expect(ofThread.holds(20n)).to.equal(false)
    trust.extend(2_000n, 2_010n, WINDOW)
    expect(ofThread.holds(2_020n)).to.equal(false)
  })
})
