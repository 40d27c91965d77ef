// The same loop when it may not begin, when the node drains, and when its claim is lost.
import { expect } from 'chai'
import { BACKOFF, Rig } from './rig.ts'

/** Brings an actor to one of its waits. */
const WAITS: Readonly<Record<string, () => Promise<Rig>>> = {
  'for permission': () => Rig.open({ trusted: false }),
  'for the answer': () => Rig.open(),
  'for the commit of a checkpoint': async () => {
    const rig = await Rig.open()
    await rig.answer(206, '{"n":1}')
    return rig
  },
  'between two polls': async () => {
    const rig = await Rig.open()
    await rig.answer(206)
    await rig.go()
    return rig
  },
  'for a backoff to pass': async () => {
    const rig = await Rig.open()
    await rig.answer(503)
    return rig
  },
  'for the commit of a retry': async () => {
    const rig = await Rig.open()
    await rig.answer(503)
    await rig.pass(BACKOFF)
    return rig
  },
}

const ANSWER = { kind: 'answer', status: 200, retryAfter: undefined, body: { kind: 'empty', text: '' } } as const

describe('an actor that may not begin', () => {
  let rig: Rig

  afterEach(() => rig.close())

  it('sends nothing before the node is trusted', async () => {
    rig = await Rig.open({ trusted: false })
    await rig.pass(60_000)
    expect(rig.requests).to.deep.equal([])
  })

  it('sends nothing in a newer epoch until its claim is confirmed in that', async () => {
    rig = await Rig.open({ trusted: false })
    rig.trust.extend(0n, 0n, 1n)
    rig.trust.revoke()
    rig.trust.extend(0n, 0n, 1n)
    rig.mailbox.confirm(1)
    await rig.pass(60_000)
    expect(rig.requests).to.deep.equal([])
    rig.mailbox.confirm(2)
    await rig.pass(0)
    expect(rig.requests).to.have.length(1)
  })

  it('is let go on by the commit of its own report as well', async () => {
    rig = await Rig.open()
    await rig.answer(206, '{"n":1}')
    rig.trust.revoke()
    rig.trust.extend(0n, 0n, 1n)
    await rig.go()
    expect(rig.requests).to.have.length(2)
  })

  it('asks again when the permission was gone at the socket, and uses up no try', async () => {
    rig = await Rig.open()
    rig.trust.revoke()
    await rig.land('not_begun')
    expect(rig.requests).to.have.length(1)
    rig.trust.extend(0n, 0n, 1n)
    rig.mailbox.confirm(2)
    await rig.pass(0)
    expect(rig.requests).to.have.length(2)
    expect(rig.requests[1]).to.deep.equal(rig.requests[0])
    expect(rig.reports).to.deep.equal([])
  })
})

describe('an actor that is stopped', () => {
  let rig: Rig

  afterEach(() => rig.close())

  for (const [wait, reach] of Object.entries(WAITS))
    it(`ends at once while it waits ${wait}, and reports nothing more`, async () => {
      rig = await reach()
      const before = [rig.requests.length, rig.reports.length]
      await rig.stop()
      expect(rig.over).to.equal(true)
      expect([rig.requests.length, rig.reports.length]).to.deep.equal(before)
      expect(rig.timers).to.equal(0)
      expect(rig.cut).to.equal(wait === 'for the answer' ? 1 : 0)
    })

  it('does not report an answer that came in the same moment', async () => {
    rig = await Rig.open()
    const landed = rig.land(ANSWER)
    rig.mailbox.stop()
    await landed
    expect(rig.over).to.equal(true)
    expect(rig.reports).to.deep.equal([])
  })

  it('takes no command any more', async () => {
    rig = await Rig.open()
    await rig.answer(206, '{"n":1}')
    await rig.stop()
    await rig.go()
    await rig.drain()
    expect(rig.requests).to.have.length(1)
    expect(rig.mailbox.stopped).to.equal(true)
  })
})

describe('an actor of a node that drains', () => {
  let rig: Rig

  afterEach(() => rig.close())

  const releases = (): void => {
    expect(rig.told).to.deep.equal({ kind: 'release' })
    expect(rig.over).to.equal(true)
    expect(rig.timers).to.equal(0)
  }

  for (const wait of ['for permission', 'between two polls'])
    it(`gives its claim back while it waits ${wait}`, async () => {
      rig = (await WAITS[wait]?.()) ?? rig
      await rig.drain()
      releases()
    })

  for (const wait of ['for the commit of a checkpoint', 'for the commit of a retry'])
    it(`gives its claim back after it has waited ${wait}`, async () => {
      rig = (await WAITS[wait]?.()) ?? rig
      const { length } = rig.reports
      await rig.drain()
      expect(rig.over).to.equal(false)
      expect(rig.reports).to.have.length(length)
      await rig.go(2)
      expect(rig.requests).to.have.length(1)
      releases()
    })

  it('parks for the rest of a backoff', async () => {
    rig = (await WAITS['for a backoff to pass']?.()) ?? rig
    await rig.pass(25)
    await rig.drain()
    expect(rig.told).to.include({ kind: 'park', wait: BACKOFF - 25, attempt: 1 })
    expect(rig.over).to.equal(true)
    expect(rig.timers).to.equal(0)
  })

  it('lets the request in flight be answered, and settles', async () => {
    rig = await Rig.open()
    await rig.drain()
    expect(rig.cut).to.equal(0)
    await rig.land(ANSWER)
    expect(rig.told).to.include({ kind: 'settle', status: 'complete' })
  })

  it('records a 206 and gives its claim back in the same write', async () => {
    rig = await Rig.open()
    await rig.drain()
    await rig.answer(206, '{"n":1}')
    expect(rig.told).to.deep.equal({
      kind: 'checkpoint',
      keep: undefined,
      tried: undefined,
      step: 0,
      state: '{"n":1}',
      repeats: 0,
      wait: 0,
    })
    expect(rig.over).to.equal(true)
  })

  it('parks instead of a short wait in its slot', async () => {
    rig = await Rig.open()
    await rig.drain()
    await rig.answer(503)
    expect(rig.told).to.include({ kind: 'park', wait: BACKOFF })
    expect(rig.over).to.equal(true)
  })

  it('begins nothing when the permission was asked at the socket', async () => {
    rig = await Rig.open()
    await rig.drain()
    await rig.land('not_begun')
    releases()
  })
})
