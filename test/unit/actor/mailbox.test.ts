import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { Mailbox } from '../../../src/actor/mailbox.ts'
import type { InFlightRequest } from '../../../src/actor/send.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'

describe('a mailbox', () => {
  let trust: Trust
  let now: bigint
  let mailbox: Mailbox

  beforeEach(() => {
    trust = new Trust(trustBuffer())
    now = 0n
    trust.extend(0n, 0n, 100n)
    mailbox = new Mailbox(trust, trust.epoch, () => now)
  })

  it('permits requests as long as trust holds', async () => {
    expect(mailbox.mayBegin()).to.equal(true)
    expect(await mailbox.permission()).to.equal(true)
    now = 99n
    expect(mailbox.mayBegin()).to.equal(true)
    now = 100n
    expect(mailbox.mayBegin()).to.equal(false)
  })

  it('looks again by itself, for a lapse that only this thread has seen', async () => {
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    now = 100n
    const permission = mailbox.permission()
    // Extended at a time before the lapse: no new epoch, so nobody confirms anything.
    trust.extend(50n, 99n, 100n)
    clock.tick(1_000)
    clock.restore()
    expect(await permission).to.equal(true)
  })

  it('permits none in an epoch that the claim was not confirmed in', () => {
    trust.revoke()
    trust.extend(0n, 0n, 100n)
    expect(mailbox.mayBegin()).to.equal(false)
    mailbox.confirm(trust.epoch)
    expect(mailbox.mayBegin()).to.equal(true)
  })

  it('never goes back to an older epoch', () => {
    mailbox.confirm(0)
    expect(mailbox.mayBegin()).to.equal(true)
  })

  it('keeps a commit that comes before it is waited for, and gives it once', async () => {
    mailbox.go(5, 1)
    expect(await mailbox.commit()).to.equal(5)
    const next = mailbox.commit()
    mailbox.confirm(1)
    mailbox.go(6, 1)
    expect(await next).to.equal(6)
  })

  it('gives no commit that comes together with a stop', async () => {
    mailbox.go(5, 1)
    mailbox.stop()
    expect(await mailbox.commit()).to.equal(undefined)
  })

  it('is not disturbed in a pause by a confirmation', async () => {
    const pause = mailbox.pause(1)
    mailbox.confirm(1)
    expect(await pause).to.equal(true)
  })

  it('has no pause while it drains', async () => {
    mailbox.drain()
    expect(await mailbox.pause(60_000)).to.equal(false)
    expect(await mailbox.permission()).to.equal(false)
  })

  it('stays stopped, also when the node drains then', () => {
    mailbox.stop()
    mailbox.drain()
    expect(mailbox.stopped).to.equal(true)
    expect(mailbox.yields).to.equal(false)
  })

  it('cuts off a request that begins after it was stopped', async () => {
    mailbox.stop()
    let stop: () => void = () => {}
    const reply = new Promise<'stopped'>((resolve) => (stop = () => resolve('stopped')))
    const request: InFlightRequest = { reply, stop: () => stop() }
    expect(await mailbox.during(request)).to.equal('stopped')
  })

  it('does not cut off a request that has ended', async () => {
    let cut = 0
    const request: InFlightRequest = { reply: Promise.resolve({ kind: 'timeout' }), stop: () => (cut += 1) }
    expect(await mailbox.during(request)).to.deep.equal({ kind: 'timeout' })
    mailbox.stop()
    expect(cut).to.equal(0)
  })
})
