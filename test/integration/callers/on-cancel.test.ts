// `onCancel`: a task that had begun and is cancelled or deleted leaves one task that undoes it, in the same commit, due 10 s later.
import { expect } from 'chai'
import pg from 'pg'
import { eventually } from '../../support/eventually.ts'
import { openWorld, show, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const idOf = (location: string): string => location.slice('/tasks/'.length)
/** JSON that a parser would change. */
const ODD = '{"n":1.50, "n":12345678901234567890, "t":"\\u0000\\ud800"}'
/** SQL: the task that a task undoes. Its payload may be JSON that Postgres itself does not read. */
const UNDOES = `substring(payload::text from '^{"location" : "([^"]*)"')`

interface Undo {
  readonly id: string
  readonly action: string
  readonly text: string
  readonly due: number
  readonly created: string
}

describe('onCancel', () => {
  let world: World
  let urls: readonly string[]
  before(async () => {
    world = await openWorld()
    const services = { svc: { onCancel: 'ok' }, other: {} }
    urls = [(await world.node({ services })).url, (await world.node({ services })).url]
  })
  after(() => world.close())

  const submit = async (action: string, more: Record<string, unknown> = {}): Promise<string> =>
    (await ask('POST', `${urls[0]}/tasks`, { service: 'svc', action, ...more })).location
  const undosOf = (location: string): Promise<Undo[]> =>
    world.sql<Undo & Record<string, unknown>>(
      `select id, action, payload::text as text, created_at::text as created, extract(epoch from run_at - created_at)::float as due
       from tasks where ${UNDOES} = $1`,
      [location],
    )
  const seen = (location: string, requests = 1): Promise<void> =>
    world.service.until(() => world.service.of(location).length >= requests)
  const parked = (location: string): Promise<unknown> =>
    eventually(async () => {
      const [row] = await world.sql<{ parked: boolean }>(
        `select status = 'running' and node is null as parked from tasks where id = $1`,
        [idOf(location)],
      )
      expect(row?.parked).to.equal(true)
    })

  /** What ends a task for its caller. */
  const VERBS: Readonly<Record<string, (location: string) => Promise<Told>>> = {
    'a DELETE': (location) => ask('DELETE', `${urls[1]}${location}`),
    'a cancellation': (location) => ask('POST', `${urls[1]}${location}/cancel`),
    'a deletion in bulk': (location) => ask('POST', `${urls[1]}/tasks/delete?ids=${idOf(location)}`),
    'a cancellation in bulk': (location) => ask('POST', `${urls[1]}/tasks/cancel?ids=${idOf(location)}`),
  }
  /** Tasks that had begun: how one is made, and its step and state. */
  const BEGUN: Readonly<Record<string, readonly [step: number, state: string, make: () => Promise<string>]>> = {
    'runs its first step': [
      0,
      ODD,
      async () => {
        const { location } = await ask('POST', `${urls[0]}/tasks`, `{"service":"svc","action":"hang","payload":${ODD}}`)
        await seen(location)
        return location
      },
    ],
    'runs a later step': [
      1,
      '{"at":1}',
      async () => {
        const location = await submit('heldstep', { payload: { first: true } })
        await seen(location, 2)
        return location
      },
    ],
    'waits to repeat a request': [
      0,
      '{"first":true}',
      async () => {
        const location = await submit('later.600', { payload: { first: true } })
        await parked(location)
        return location
      },
    ],
    'waits for its next step': [
      1,
      '{"waited":true}',
      async () => {
        const location = await submit('wait.600')
        await parked(location)
        return location
      },
    ],
  }
  for (const [how, verb] of Object.entries(VERBS)) {
    for (const [what, [step, state, make]] of Object.entries(BEGUN))
      it(`makes one task after ${how} of a task that ${what}`, async () => {
        const location = await make()
        expect((await verb(location)).status).to.be.within(200, 204)
        const undos = await undosOf(location)
        expect(undos).to.have.length(1)
        const { id, action, text, due, created } = undos[0] as Undo
        expect(action).to.equal('ok')
        expect(text.replaceAll(/(?<=[:,{]) | (?=[:,}])/g, '')).to.equal(
          `{"location":"${location}","step":${step},"state":${state.replaceAll(/(?<=[:,]) /g, '')}}`,
        )
        expect(text).to.include(state)
        expect(due).to.equal(10)
        expect(await show(urls[0] ?? '', `/tasks/${id}`)).to.include({ service: 'svc', status: 'pending' })
        const [first] = await world.sql<{ at: string }>('select finished_at::text as at from tasks where id = $1', [
          idOf(location),
        ])
        expect(first?.at ?? created).to.equal(created)
      })

    it(`makes none after ${how} of a task that has not begun, that has ended, or of another service`, async () => {
      const done = await submit('ok')
      const failed = await submit('fail')
      for (const location of [done, failed])
        await eventually(async () => expect(await show(urls[0] ?? '', location)).to.not.include({ finishedAt: null }))
      const other = await submit('hang', { service: 'other' })
      await seen(other)
      for (const location of [await submit('ok', { delay: '1h' }), done, failed, other]) {
        await verb(location)
        expect(await undosOf(location)).to.deep.equal([])
      }
    })
  }

  /** Cancels and deletes a task by two nodes while its row is locked, after `change`. */
  async function atOnce(location: string, change: string): Promise<void> {
    const holder = new pg.Client({ connectionString: world.databaseUrl })
    await holder.connect()
    try {
      await holder.query('begin')
      await holder.query(`${change} where id = ${idOf(location)}`)
      const asked = [ask('DELETE', `${urls[0]}${location}`), ask('POST', `${urls[1]}${location}/cancel`)]
      await eventually(async () => {
        const sql = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(await world.sql(sql)).to.have.length(2)
      }, 3_000)
      await holder.query('commit')
      await Promise.all(asked)
    } finally {
      await holder.end()
    }
  }

  it('makes one where two nodes cancel and delete at once', async () => {
    const location = await submit('hang')
    await seen(location)
    await atOnce(location, 'update tasks set token = token')
    expect(await undosOf(location)).to.have.length(1)
  })

  it('makes none where the end comes first', async () => {
    const location = await submit('hang')
    await seen(location)
    await atOnce(location, `update tasks set status = 'complete', node = null, finished_at = now()`)
    expect(await undosOf(location)).to.deep.equal([])
  })

  it('leaves the task as it is where the task that undoes it cannot be made', async () => {
    const location = await submit('hang')
    await seen(location)
    await world.sql(`alter table tasks add constraint refuses check (${UNDOES} is null) not valid`)
    try {
      expect((await ask('DELETE', `${urls[0]}${location}`)).status).to.be.at.least(500)
      expect((await ask('POST', `${urls[0]}${location}/cancel`)).status).to.be.at.least(500)
    } finally {
      await world.sql('alter table tasks drop constraint refuses')
    }
    expect(await show(urls[0] ?? '', location)).to.include({ status: 'running' })
    expect((await ask('DELETE', `${urls[0]}${location}`)).status).to.equal(204)
    expect(await undosOf(location)).to.have.length(1)
  })

  it('is sent 10 s later, and not before', async () => {
    const location = await submit('hang')
    await seen(location)
    await ask('DELETE', `${urls[1]}${location}`)
    const deleted = performance.now()
    const [undo] = await undosOf(location)
    await seen(`/tasks/${undo?.id}`)
    const [request] = world.service.of(`/tasks/${undo?.id}`)
    expect((request?.at ?? 0) - deleted).to.be.within(9_900, 11_000)
    expect(String(request?.body)).to.equal(undo?.text)
  })
})
