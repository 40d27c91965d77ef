// A mailbox whose service does not admit every request.
import { expect } from 'chai'
import { Mailbox } from '../../../src/actor/mailbox.ts'
import type { Admission } from '../../../src/core/admission.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'

describe('a mailbox of a service that does not admit all', () => {
  let admission: Admission
  const open = (granted: boolean): Mailbox => {
    const trust = new Trust(trustBuffer())
    trust.extend(0n, 0n, 100n)
    return new Mailbox(
      trust,
      trust.epoch,
      () => 0n,
      () => admission,
      granted,
    )
  }
  beforeEach(() => void (admission = 'granted'))

  it('permits a request that is granted, and no other one', async () => {
    for (const granted of [true, false]) {
      const mailbox = open(granted)
      expect([mailbox.mayBegin(), await mailbox.permission()]).to.deep.equal([granted, granted])
    }
  })

  it('permits one request by one grant', async () => {
    const mailbox = open(true)
    await mailbox.during({ reply: Promise.resolve({ kind: 'timeout' }), stop: () => {} })
    expect([mailbox.mayBegin(), await mailbox.permission()]).to.deep.equal([false, false])
  })

  it('keeps a grant whose request did not begin', async () => {
    const mailbox = open(true)
    await mailbox.during({ reply: Promise.resolve('not_begun'), stop: () => {} })
    expect(mailbox.mayBegin()).to.equal(true)
  })

  it('permits nothing where none may begin, also between the permission and the socket', async () => {
    const mailbox = open(true)
    expect(await mailbox.permission()).to.equal(true)
    admission = 'none'
    expect([mailbox.mayBegin(), await mailbox.permission()]).to.deep.equal([false, false])
  })

  it('yields what comes next, unless all may begin', () => {
    const mailbox = open(true)
    expect(mailbox.yields).to.equal(true)
    admission = 'all'
    expect(mailbox.yields).to.equal(false)
    expect(open(false).mayBegin()).to.equal(true)
  })
})
