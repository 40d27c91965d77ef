// The callback of a task: one for each end, whatever ends the task, in the same commit; and a task like any other.
import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const MIB = 1_048_576
/** JSON that a parser would change. */
const ODD = '{"n":1.50, "n":12345678901234567890, "t":"\\u0000\\ud800"}'

interface Row {
  readonly id: string
  readonly service: string
  readonly action: string
  readonly payload: Record<string, unknown>
  readonly text: string
  /** Whether the row was made by the transaction that ended the first task. */
  readonly together: boolean
}

describe('the callback of a task', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const odd = await world.serve((_request, response) => void response.end(ODD))
    const services = {
      svc: {},
      told: { retry: { attempts: 5, backoff: 10, maxBackoff: 10 } },
      one: { concurrency: 1 },
      few: { maxSteps: 2 },
      once: { retry: { attempts: 1, backoff: 1, maxBackoff: 1 } },
      odd: { url: odd },
    }
    url = (await world.node({ services })).url
  })
  after(() => world.close())

  const labels = { order: '7', who: 'Zoë' }
  const submit = async (task: Record<string, unknown>): Promise<string> => {
    const callback = { service: 'told', action: 'ok' }
    const { location } = await ask('POST', `${url}/tasks`, { service: 'svc', callback, labels, ...task })
    return location
  }
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json
  const callbacksOf = (location: string): Promise<Row[]> =>
    world.sql<Row & Record<string, unknown>>(
      `select c.id, c.service, c.action, c.payload, c.payload::text as text, c.created_at = t.finished_at as together
       from tasks c left join tasks t on t.id = c.callback_of where c.callback_of = $1`,
      [location.slice('/tasks/'.length)],
    )
  const begun = async (task: Record<string, unknown>): Promise<string> => {
    const location = await submit(task)
    await world.service.until(() => world.service.of(location).length > 0)
    return location
  }
  const cancel = async (location: string): Promise<string> => {
    expect((await ask('POST', `${url}${location}/cancel`)).status).to.equal(200)
    return location
  }

  /** The ways to end: how a task comes to its end, and the code of its error; undefined: it is complete. */
  const WAYS: Readonly<Record<string, readonly [code: string | undefined, make: () => Promise<string>]>> = {
    'a plain 200': [undefined, () => submit({ action: 'ok' })],
    'a 200 of 1 MiB': [undefined, () => submit({ action: `big.${MIB}` })],
    'a 200 of more than 1 MiB': [undefined, () => submit({ action: `big.${MIB + 1}` })],
    'an answer without a body': [undefined, () => submit({ action: 'none' })],
    'a 200 after steps': [undefined, () => submit({ action: 'steps.2' })],
    'a 500': ['service_error', () => submit({ action: 'fail' })],
    'a redirect': ['redirect', () => submit({ action: 'redirect' })],
    'a 206 that is no JSON': ['bad_body', () => submit({ action: 'garbage' })],
    'its last try': ['service_unavailable', () => submit({ service: 'once', action: 'status.503' })],
    'too many steps': ['too_many_steps', () => submit({ service: 'few', action: 'ever.1' })],
    'its deadline while it runs': ['deadline_exceeded', () => submit({ action: 'hang', deadline: '400ms' })],
    'its deadline while it waits to repeat a request': [
      'deadline_exceeded',
      () => submit({ action: 'later.600', deadline: '400ms' }),
    ],
    'its deadline before it begins': [
      'deadline_exceeded',
      async () => {
        await begun({ service: 'one', action: 'held', callback: undefined })
        return submit({ service: 'one', action: 'ok', deadline: '200ms' })
      },
    ],
    'too many crashes': [
      'crashed',
      async () => {
        const location = await submit({ action: 'ok', delay: '1h' })
        const [dead, id] = [randomUUID(), location.slice('/tasks/'.length)]
        await world.sql(`insert into nodes (id, name, services, lease_until) values ($1, 'dead', '{svc}', now())`, [
          dead,
        ])
        await world.sql(`update tasks set status = 'running', node = $1, crashes = 9 where id = $2`, [dead, id])
        return location
      },
    ],
    'a service that nobody knows': [
      'unknown_service',
      async () => {
        const [row] = await world.sql<{ id: string }>(
          `select task_api.submit('nobody', 'ok', labels => $1, callback => '{"service":"told","action":"ok"}') as id`,
          [JSON.stringify(labels)],
        )
        return `/tasks/${row?.id}`
      },
    ],
    'a cancellation while it runs': ['cancelled', async () => cancel(await begun({ action: 'hang' }))],
    'a cancellation before it begins': ['cancelled', async () => cancel(await submit({ action: 'ok', delay: '1h' }))],
    'a cancellation in bulk': [
      'cancelled',
      async () => {
        const location = await begun({ action: 'hang' })
        const { json } = await ask('POST', `${url}/tasks/cancel?ids=${location.slice('/tasks/'.length)}`)
        expect(json).to.include({ done: 1 })
        return location
      },
    ],
  }
  for (const [what, [code, make]] of Object.entries(WAYS))
    it(`is made once, and in the same commit, when the task ends by ${what}`, async () => {
      const location = await make()
      const task = await ended(url, location)
      expect([task.status, task.error?.code]).to.deep.equal([code ? 'failed' : 'complete', code])
      const rows = await callbacksOf(location)
      expect(rows).to.have.length(1)
      const { service, action, payload, together } = rows[0] as Row
      expect({ service, action, together }).to.deep.equal({ service: 'told', action: 'ok', together: true })
      expect(payload).to.deep.equal({
        location,
        service: task.service,
        action: task.action,
        status: task.status,
        ...('result' in task && { result: task.result }),
        ...(task.error && { error: task.error }),
        ...(task.resultOmitted && { resultOmitted: true }),
        labels,
      })
      expect('resultOmitted' in payload).to.equal(task.action === `big.${MIB + 1}`)
      expect(await ended(url, `/tasks/${rows[0]?.id}`)).to.include({ status: 'complete' })
    })

  it('is made for each of these ends, and for none twice', async () => {
    world.service.letGo()
    const rows = await world.sql<{ id: string; count: string }>(
      `select t.id, (select count(*) from tasks c where c.callback_of = t.id) as count from tasks t
       where t.callback is not null and t.status in ('complete', 'failed')`,
    )
    expect(rows).to.have.length(Object.keys(WAYS).length)
    expect(rows.filter(({ count }) => count !== '1')).to.deep.equal([])
  })

  it('has no labels where the task has none, and the very bytes of its result', async () => {
    const location = await submit({ service: 'odd', action: 'a', labels: undefined })
    await ended(url, location)
    const [row] = await callbacksOf(location)
    expect(row?.text).to.include(ODD).and.not.include('"labels"')
    await ended(url, `/tasks/${row?.id}`)
    expect(String(world.service.of(`/tasks/${row?.id}`)[0]?.body)).to.equal(row?.text)
  })

  it('is not made when the task is deleted, alone or in bulk', async () => {
    const gone = [
      await begun({ action: 'hang' }),
      await submit({ action: 'ok', delay: '1h' }),
      await begun({ action: 'later.600' }),
    ]
    for (const location of gone) expect((await ask('DELETE', `${url}${location}`)).status).to.equal(204)
    const many = [
      await begun({ action: 'hang', labels: { many: 'yes' } }),
      await submit({ delay: '1h', action: 'ok', labels: { many: 'yes' } }),
    ]
    expect((await ask('POST', `${url}/tasks/delete?label.many=yes`)).json).to.include({ done: 2 })
    for (const location of [...gone, ...many]) expect(await callbacksOf(location)).to.deep.equal([])
    const done = await submit({ action: 'ok' })
    await ended(url, done)
    await ask('DELETE', `${url}${done}`)
    expect(await callbacksOf(done)).to.have.length(1)
  })

  it('is a task like any other: tried again, with a log, and without a callback and `unique` of its own', async () => {
    const [row] = await world.sql<{ id: string }>(
      `select task_api.submit('svc', 'ok', "unique" => 'u', priority => 'high', callback => '{"service":"told","action":"flaky.2"}') as id`,
    )
    const first = `/tasks/${row?.id}`
    await ended(url, first)
    const location = `/tasks/${(await callbacksOf(first))[0]?.id}`
    await ended(url, location)
    const task = await full(location)
    const { caller } = await full(first)
    expect(caller).to.match(/^sql:/)
    expect(task).to.deep.include({
      service: 'told',
      action: 'flaky.2',
      status: 'complete',
      callbackOf: first,
      callback: null,
      unique: null,
      labels: null,
      priority: 'normal',
      caller,
    })
    expect(world.service.of(location).map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
    const { json } = await ask('GET', `${url}${location}/attempts`)
    expect(json.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['503', '503'])
    expect((await ask('GET', `${url}/tasks?service=told&action=flaky.2`)).json).to.have.length(1)
    const again = await ask('POST', `${url}${location}/retry`)
    expect(await full(again.location)).to.include({ callback: null, retryOf: location })
  })
})
