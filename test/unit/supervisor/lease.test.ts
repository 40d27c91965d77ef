import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { type Service, SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { TIMINGS } from '../../../src/core/timings.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'
import { Lease } from '../../../src/supervisor/lease.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

describe('the lease', () => {
  let lease: Lease
  let trust: Trust
  let answers: ({ held: boolean } | undefined)[]
  let names: string[]
  let beats: { epoch: number; node: string }[]
  let beaten: () => void
  /** What the last beat told. */
  let told: object | undefined
  let services: Map<string, Service>
  let read: () => Promise<void>

  beforeEach(() => {
    trust = new Trust(trustBuffer())
    answers = []
    services = new Map()
    names = []
    beats = []
    beaten = () => {}
    read = async () => {}
    lease = new Lease({
      identity: { node: randomUUID() },
      version: '0.0.0',
      name: () => 'host:1',
      store: {
        enroll: async ({ id }, _lease, reliance = 0) => {
          names.push(id)
          return { held: true, until: `${reliance}` }
        },
        beat: async (_id, _lease, reliance = 0, of?) => {
          told = of
          const answer = answers.length > 0 ? answers.shift() : { held: true }
          return answer && { ...answer, until: `${reliance}` }
        },
        resign: async () => {},
        resignOthers: async () => {},
      },
      services,
      lanes: { load: { slots: 1, running: 0, use: {} } },
      // Trust that never lapses by itself: what is seen here is revoked.
      timings: { ...TIMINGS, beat: 5, trust: 600_000 },
      trust,
      alone: false,
      log: silentLog(),
      states: { read: () => read(), beaten: () => {} },
      beaten: () => {
        beats.push({ epoch: trust.epoch, node: lease.node })
        beaten()
      },
      renamed: () => {},
    })
  })
  afterEach(() => lease.stop())

  const beat = (count: number): Promise<void> =>
    new Promise((resolve) => (beaten = () => beats.length >= count && resolve()))

  it('goes on in the same epoch while it is held', async () => {
    await lease.start()
    await beat(3)
    expect(new Set(beats.map(({ epoch }) => epoch)).size).to.equal(1)
    expect(lease.trusted).to.equal(true)
  })

  it('begins a new epoch when Postgres says that it had run out, though by the own clock trust still holds', async () => {
    answers = [{ held: true }, { held: false }, { held: true }]
    await lease.start()
    const { epoch } = trust
    await beat(3)
    expect(beats.slice(0, 3).map((one) => one.epoch - epoch)).to.deep.equal([0, 1, 1])
    expect(lease.trusted).to.equal(true)
    expect(new Set(names)).to.deep.equal(new Set([lease.node]))
  })

  it('has held no lease for long when trust had lapsed, though the lease had not run out', async () => {
    await lease.start()
    await beat(20)
    const { held } = lease
    await new Promise<void>((resolve) => (beaten = () => resolve(trust.revoke())))
    await beat(beats.length + 1)
    expect(held).to.be.above(lease.held)
    expect(lease.mayClaim).to.equal(true)
    trust.revoke()
    expect(lease.mayClaim).to.equal(false)
    await beat(beats.length + 1)
    expect(lease.trusted).to.equal(true)
  })

  it('has claims rely on a beat for a beat less than it is trusted', async () => {
    await lease.start()
    expect(lease.claimsUntil).to.equal(`${600_000 - 5}`)
    expect(lease.mayClaim).to.equal(true)
    await beat(2)
    expect(lease.claimsUntil).to.equal(`${600_000 - 5}`)
  })

  it('tells with each beat which services are known now, and their callbacks', async () => {
    const own = { service: 'b', action: 'seen' } as const
    await lease.start()
    services.set('a', { ...SERVICE_DEFAULTS, name: 'a', url: 'http://a/', callback: own })
    services.set('b', { ...SERVICE_DEFAULTS, name: 'b', url: 'http://b/' })
    await beat(beats.length + 2)
    expect(told).to.deep.include({ services: ['a', 'b'], callbacks: { a: own } })
    services.delete('a')
    await beat(beats.length + 2)
    expect(told).to.deep.include({ services: ['b'], callbacks: {} })
  })

  it('begins a new epoch under a new name when its row was gone', async () => {
    answers = [{ held: true }, undefined]
    await lease.start()
    const { epoch } = trust
    await beat(2)
    expect(beats[1]?.epoch).to.equal(epoch + 1)
    expect(names).to.have.length(2)
    expect(names[1]).to.equal(beats[1]?.node).and.not.to.equal(names[0])
  })

  it('is not extended by a beat beside which the states of services could not be read', async () => {
    await lease.start()
    await beat(1)
    const until = lease.claimsUntil
    const { length } = beats
    let asked = 0
    await new Promise<void>((resolve) => {
      read = async () => {
        asked += 1
        if (asked === 3) resolve()
        throw new Error('no answer')
      }
    })
    expect([beats.length, lease.claimsUntil]).to.deep.equal([length, until])
    read = async () => {}
    await beat(length + 1)
  })
})
