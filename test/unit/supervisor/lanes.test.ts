import { expect } from 'chai'
import sinon from 'sinon'
import type { Service } from '../../../src/core/service.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { services } from './build.ts'

const FORGOTTEN = 60_000

describe('lanes, once the services have changed,', () => {
  let clock: sinon.SinonFakeTimers
  let known: Map<string, Service>
  let lanes: Lanes

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['performance'] })
    known = new Map(services({ billing: 2, mail: 5 }))
    lanes = new Lanes(100, known, () => {}, FORGOTTEN)
  })
  afterEach(() => clock.restore())

  const serve = (concurrency: Readonly<Record<string, number>>): void => {
    known.clear()
    for (const [name, service] of services(concurrency)) known.set(name, service)
    lanes.serve()
  }
  const names = (): string[] => lanes.all.map(({ service }) => service)

  it('are those of the services now; one that stays is the same, with its new limit', () => {
    const billing = lanes.of('billing')
    lanes.began('billing')
    serve({ billing: 7, mail: 5, audit: 1 })
    expect(names()).to.deep.equal(['billing', 'mail', 'audit'])
    expect(lanes.of('billing')).to.equal(billing)
    expect([lanes.room('billing'), lanes.room('audit')]).to.deep.equal([6, 1])
  })

  it('begin nothing of a service that was removed, and take it up again where it was', () => {
    lanes.began('billing')
    serve({ mail: 5 })
    expect([lanes.room('billing'), lanes.over('billing')]).to.deep.equal([0, true])
    serve({ mail: 5, billing: 2 })
    expect([lanes.room('billing'), lanes.over('billing'), lanes.of('billing')?.running]).to.deep.equal([1, false, 1])
    lanes.ended('billing', true)
    expect(lanes.of('billing')).to.include({ running: 0, open: 0 })
  })

  it('say how many requests are too many, one by one', () => {
    for (let i = 0; i < 3; i++) lanes.began('mail')
    expect(lanes.over('mail')).to.equal(false)
    serve({ mail: 2 })
    expect(lanes.over('mail')).to.equal(true)
    lanes.answered('mail')
    expect(lanes.over('mail')).to.equal(false)
    expect(lanes.over('nobody')).to.equal(false)
  })

  it('tell others of a service that was removed for a minute, and go when nothing of it is left', () => {
    lanes.began('billing')
    serve({ mail: 5 })
    expect(lanes.load.use).to.deep.equal({ billing: { running: 1, open: 1, limit: 0 } })
    clock.tick(FORGOTTEN)
    expect(lanes.load.use).to.deep.equal({})
    serve({ mail: 5 })
    expect(names(), 'while a task runs').to.deep.equal(['billing', 'mail'])
    lanes.ended('billing', true)
    serve({ mail: 5 })
    expect(names()).to.deep.equal(['mail'])
    expect(lanes.load.running).to.equal(0)
  })
})
