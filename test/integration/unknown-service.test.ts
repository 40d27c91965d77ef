// Tasks of a service that only a node knew that is gone.
import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { FAST, type World, ended, openWorld, post, show } from '../support/world.ts'

describe('a service that no live node knows', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  it('fails its tasks once it has been forgotten for long enough, and no other', async () => {
    const services = { old: {}, svc: {} }
    const knowing = await world.node({ services, drainTimeout: 50 })
    const waiting = await post(knowing.url, 'later.600', '{}', 'old')
    const cut = await post(knowing.url, 'hang', '{}', 'old')
    const known = await post(knowing.url, 'later.600', '{}', 'svc')
    await eventually(async () => {
      for (const path of [waiting, known]) expect((await show(knowing.url, path))?.lastError?.code).to.be.a('string')
      expect(world.service.of(cut)).to.have.length(1)
    })
    const other = await world.node()
    await knowing.stop()
    const [gone] = await world.sql<{ at: Date }>(`select max(lease_until) as at from nodes where 'old' = any(services)`)

    for (const path of [waiting, cut]) {
      const task = await ended(other.url, path)
      expect(task.status).to.equal('failed')
      expect(task.error).to.include({ code: 'unknown_service' })
    }
    const [failed] = await world.sql<{ at: Date }>(`select min(finished_at) as at from tasks where service = 'old'`)
    const after = (failed?.at.getTime() ?? 0) - (gone?.at.getTime() ?? Infinity)
    expect(after, 'ms from the end of the last lease').to.be.within(FAST.forgotten, 15 * FAST.forgotten)
    expect((await show(other.url, known))?.status).to.equal('running')
    expect(world.service.of(cut)).to.have.length(1)
    await other.stop()
  })

  it('leaves them alone while a node that knows it is alive, and runs them when one comes in time', async () => {
    // Longer than the start of a node takes on a busy machine.
    const timings = { ...FAST, forgotten: 90_000 }
    const knowing = await world.node({ services: { late: {} }, drainTimeout: 50, timings })
    const location = await post(knowing.url, 'held', '{}', 'late')
    await world.service.until(() => world.service.of(location).length === 1)
    await world.node({ timings })
    await knowing.stop()
    const again = await world.node({ services: { late: {} }, timings })
    await world.service.until(() => world.service.of(location).length === 2)
    // A turn of the chore of a node that forgets soon, seen by the failure of a task that was forgotten long ago.
    await world.node()
    const [row] = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, created_at)
       values (gen_random_uuid(), 'never', 'ok', '{}', 2, now() - interval '1 hour') returning id`,
    )
    await ended(again.url, `/tasks/${row?.id}`)
    expect((await show(again.url, location))?.status).to.equal('running')
    world.service.letGo()
    expect((await ended(again.url, location)).status).to.equal('complete')
  })
})
