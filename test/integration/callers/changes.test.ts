// What callers change: cancel and keep, retry what has ended, put off what waits.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('a change of a task', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    const services = {
      svc: { onCancel: 'echo' },
      kept: { attemptLog: 'all' as const, keepStates: 3 },
      one: { concurrency: 1 },
    }
    urls = [(await world.node({ services })).url, (await world.node({ services })).url]
  })
  after(() => world.close())

  const submit = (task: Record<string, unknown>): Promise<Told> =>
    ask('POST', `${urls[0]}/tasks`, { service: 'svc', action: 'ok', ...task })
  const full = async (location: string): Promise<Told['json']> =>
    (await ask('GET', `${urls[0]}${location}?view=full`)).json
  const begun = (location: string): Promise<unknown> =>
    world.service.until((seen) => seen.some((one) => one.location === location))

  describe('that cancels it', () => {
    it('ends it as failed and keeps it, cuts its request off, and tells the service in the same commit', async () => {
      for (const url of urls) {
        const { location } = await submit({ action: 'heldstep', payload: { first: true } })
        await world.service.until((seen) => seen.some((one) => one.location === location && one.step === 1))
        const { status, json } = await ask('POST', `${url}${location}/cancel`)
        expect(status).to.equal(200)
        expect(json).to.deep.include({ location, status: 'failed' })
        expect(json.error).to.include({ code: 'cancelled' })
        await world.service.until(() => world.service.of(location).at(-1)?.aborted === true, 1_000)
        const [undo] = await world.sql<{ payload: unknown; wait: number }>(
          `select payload, extract(epoch from run_at - created_at)::float as wait from tasks where action = 'echo' and payload ->> 'location' = $1`,
          [location],
        )
        expect(undo?.payload).to.deep.equal({ location, step: 1, state: { at: 1 } })
        expect(undo?.wait).to.be.within(9.9, 10.1)
        const again = await ask('POST', `${url}${location}/cancel`)
        expect([again.status, again.json.code]).to.deep.equal([409, 'already_ended'])
      }
    })

    it('that never began sends no request, and undoes nothing', async () => {
      const { location } = await submit({ delay: '1h' })
      const { json } = await ask('POST', `${urls[1]}${location}/cancel?view=full`)
      expect(json).to.include({ status: 'failed', startedAt: null })
      expect(await world.sql(`select from tasks where payload ->> 'location' = $1`, [location])).to.have.length(0)
      expect((await ask('POST', `${urls[1]}/tasks/999999/cancel`)).status).to.equal(404)
    })
  })

  describe('that retries it', () => {
    it('makes a new task that goes on at the step and with the state of the old one, once', async () => {
      const labels = { a: 'b' }
      const old = await submit({
        action: 'steps.2',
        labels,
        deadline: '1h',
        priority: 'low',
        callback: { service: 'svc', action: 'ok' },
      })
      await ended(urls[0] ?? '', old.location)
      await world.sql(
        `update tasks set status = 'failed', error = '{"code":"service_error"}', result = null where id = $1`,
        [old.location.slice(7)],
      )
      const first = await ask('POST', `${urls[0]}${old.location}/retry`)
      expect([first.status, first.headers.get('task-existing')]).to.deep.equal([302, null])
      const second = await ask('POST', `${urls[1]}${old.location}/retry`, {})
      expect([second.status, second.location, second.headers.get('task-existing')]).to.deep.equal([
        302,
        first.location,
        'true',
      ])
      await ended(urls[0] ?? '', first.location)
      const task = await full(first.location)
      expect(task).to.deep.include({ retryOf: old.location, labels, priority: 'low', step: 2, state: { at: 2 } })
      expect(await full(old.location)).to.include({ retriedAs: first.location, status: 'failed' })
      const [request] = world.service.of(first.location)
      expect(request?.step).to.equal(2)
      expect(JSON.parse(String(request?.body))).to.deep.equal({ at: 2 })
      expect(request?.request.headers).to.include({ 'task-retry-of': old.location })
      expect(request?.key).to.not.equal(world.service.of(old.location)[2]?.key)
    })

    it('begins from the start where it was complete, or where that is asked, and with another payload', async () => {
      const old = await submit({ action: 'echo', payload: { n: 1 } })
      await ended(urls[0] ?? '', old.location)
      const again = await ask('POST', `${urls[0]}${old.location}/retry`, '{"payload": {"n":  2}, "delay": "300ms"}')
      const task = await ended(urls[0] ?? '', again.location)
      expect(task).to.deep.include({ payload: { n: 2 }, result: { n: 2 }, step: 0 })
      expect(String(world.service.of(again.location)[0]?.body)).to.equal('{"n":  2}')
    })

    it('begins at a step whose state was kept, and at no other', async () => {
      const old = await submit({ service: 'kept', action: 'steps.5' })
      await ended(urls[0] ?? '', old.location)
      const lost = await ask('POST', `${urls[0]}${old.location}/retry`, { from: 1 })
      expect([lost.status, lost.json.code]).to.deep.equal([409, 'no_such_state'])
      const beyond = await ask('POST', `${urls[0]}${old.location}/retry`, { from: 6 })
      expect([beyond.status, beyond.json.code]).to.deep.equal([409, 'no_such_state'])
      const kept = await ask('POST', `${urls[0]}${old.location}/retry`, { from: 3 })
      expect(kept.status).to.equal(302)
      await ended(urls[0] ?? '', kept.location)
      const [request] = world.service.of(kept.location)
      expect([request?.step, String(request?.body)]).to.deep.equal([3, '{"at":3}'])
    })

    it('is refused while it has not ended, and where another task holds its `unique`', async () => {
      const held = await submit({ action: 'held' })
      const refused = await ask('POST', `${urls[0]}${held.location}/retry`)
      expect([refused.status, refused.json.code]).to.deep.equal([409, 'not_ended'])
      const old = await submit({ unique: 'mine' })
      await ended(urls[0] ?? '', old.location)
      await submit({ unique: 'mine', delay: '1h' })
      const taken = await ask('POST', `${urls[0]}${old.location}/retry`)
      expect([taken.status, taken.json.code]).to.deep.equal([409, 'unique_taken'])
      expect((await ask('POST', `${urls[0]}/tasks/999999/retry`)).status).to.equal(404)
      world.service.letGo()
    })

    for (const body of ['{"from": -1}', '{"from": "end"}', '{"delay": "x"}', '{"other": 1}', '[]'])
      it(`refuses ${body}`, async () => {
        const { status, json } = await ask('POST', `${urls[0]}/tasks/1/retry`, body)
        expect([status, json.code]).to.deep.equal([400, 'invalid_task'])
      })
  })

  describe('that puts it off', () => {
    it('changes when a task begins that waits, and its importance', async () => {
      const { location } = await submit({ delay: '1h' })
      const later = await ask('PATCH', `${urls[0]}${location}?view=full`, { delay: '2h', priority: 'high' })
      expect(later.status).to.equal(200)
      expect(later.json).to.include({ priority: 'high' })
      expect(Date.parse(later.json.runAt) - Date.now()).to.be.within(7_190_000, 7_210_000)
      const now = await ask('PATCH', `${urls[1]}${location}`, { delay: '0' })
      expect(now.status).to.equal(200)
      expect(await ended(urls[0] ?? '', location, 3_000)).to.include({ status: 'complete' })
      const late = await ask('PATCH', `${urls[0]}${location}`, { delay: '1s' })
      expect([late.status, late.json.code]).to.deep.equal([409, 'not_waiting'])
    })

    it('reaches a task that waits to repeat a request', async () => {
      const { location } = await submit({ action: 'later.3600' })
      await eventually(async () => expect(await full(location)).to.include({ fails: 1 }))
      expect((await ask('PATCH', `${urls[0]}${location}`, { delay: '0' })).status).to.equal(200)
      expect(await ended(urls[0] ?? '', location, 3_000)).to.include({ status: 'complete' })
    })

    it('is refused while it runs, without anything to change, and with what is none', async () => {
      const { location } = await submit({ action: 'held' })
      await begun(location)
      const busy = await ask('PATCH', `${urls[0]}${location}`, { priority: 'low' })
      expect([busy.status, busy.json.code]).to.deep.equal([409, 'not_waiting'])
      for (const body of [{}, { delay: '1s', runAt: '2026-12-24T18:00:00Z' }, { status: 'complete' }])
        expect((await ask('PATCH', `${urls[0]}${location}`, body)).status).to.equal(400)
      expect((await ask('PATCH', `${urls[0]}/tasks/999999`, { delay: '0' })).status).to.equal(404)
      world.service.letGo()
    })
  })
})
