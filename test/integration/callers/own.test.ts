// Keys with `own`: tasks and schedules of others are as absent, in every way to ask for them.
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

/** No task has this id. */
const ABSENT = '/tasks/9000000000000000000'

describe('a key with `own`', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const keys = [aKey('ann', { own: true }), aKey('bob', { own: true }), aKey('ops')]
    url = (await world.node({ keys, services: { svc: { onCancel: 'ok' } } })).url
  })
  after(() => world.close())

  const by = (name: string, method: string, path: string, body?: unknown, more = {}): Promise<Told> =>
    ask(method, `${url}${path}`, body, { ...as(name), ...more })
  const submit = async (name: string, more: Record<string, unknown> = {}): Promise<string> => {
    const { status, location, text } = await by(name, 'POST', '/tasks', { service: 'svc', action: 'ok', ...more })
    expect(status, text).to.equal(302)
    return location
  }
  const ended = (name: string, location: string): Promise<Told> => by(name, 'GET', `${location}?wait=30s&view=full`)
  const idsOf = ({ json }: Told): string[] => (json as { location: string }[]).map(({ location }) => location)
  const callerOf = async (location: string): Promise<unknown> =>
    (await by('ops', 'GET', `${location}?view=full`)).json.caller

  /** Everything that names one task. */
  const ROUTES: readonly (readonly [method: string, rest: string, body?: unknown])[] = [
    ['GET', ''],
    ['HEAD', ''],
    ['GET', '?view=full'],
    ['GET', '?wait=1ms'],
    ['GET', '/attempts'],
    ['GET', '/explain'],
    ['GET', '/events'],
    ['PATCH', '', { delay: '1h' }],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['POST', '/retry', { from: 'start' }],
    ['DELETE', ''],
  ]
  for (const [method, rest, body] of ROUTES)
    it(`is told nothing of another's task by ${method} …${rest}${body === undefined ? '' : ' with a body'}`, async () => {
      const waits = await submit('ann', { delay: '1h' })
      const over = await submit('ann')
      await ended('ann', over)
      const absent = await by('bob', method, ABSENT + rest, body)
      expect(absent.status).to.equal(404)
      for (const location of [waits, over]) {
        const told = await by('bob', method, location + rest, body)
        expect([told.status, told.text]).to.deep.equal([absent.status, absent.text])
        expect((await by('ann', 'GET', location)).status).to.equal(200)
      }
      expect((await by('ops', method, method === 'DELETE' || rest === '/cancel' || method === 'PATCH' ? waits : over, body)).status, 'as ops').to.be.lessThan(410) // prettier-ignore
    })

  it('lists its own tasks only, by every filter, and walks along them', async () => {
    const mine = [await submit('ann', { labels: { of: 'ann' } }), await submit('ann', { labels: { of: 'ann' } })]
    const theirs = await submit('bob', { labels: { of: 'ann' } })
    const ids = [...mine, theirs].map((location) => location.slice('/tasks/'.length)).join()
    for (const filter of [`ids=${ids}`, 'label.of=ann', 'label.of=ann&service=svc&action=ok'])
      expect(idsOf(await by('ann', 'GET', `/tasks?${filter}`)), filter).to.have.members(mine)
    for (const filter of ['', 'service=svc', 'status=pending,running,complete', 'view=full'])
      expect(idsOf(await by('ann', 'GET', `/tasks?limit=1000&${filter}`)), filter)
        .to.include.members(mine)
        .and.not.include(theirs)
    const { headers, json } = await by('bob', 'GET', '/tasks?limit=1')
    expect(json).to.have.length(1)
    const next = /<(.*)>/.exec(headers.get('link') ?? '')?.[1]
    if (next !== undefined) expect(idsOf(await by('bob', 'GET', next))).not.to.include.members(mine)
  })

  it('changes its own tasks only, in bulk', async () => {
    const labels = { bulk: 'own' }
    const [mine, theirs] = [await submit('ann', { labels, delay: '1h' }), await submit('bob', { labels, delay: '1h' })]
    for (const [verb, done] of [
      ['cancel', 1],
      ['retry', 1],
      ['delete', 2],
    ] as const)
      // prettier-ignore
      expect((await by('ann', 'POST', `/tasks/${verb}?label.bulk=own`)).json, verb).to.include({ matched: done, done })
    expect((await by('ann', 'GET', mine)).status).to.equal(404)
    expect((await by('bob', 'GET', theirs)).json).to.include({ status: 'pending' })
    expect((await by('ops', 'POST', '/tasks/cancel?label.bulk=own&dryRun=true')).json.matched).to.be.at.least(1)
  })

  it('sees its first page at once behind many tasks of others', async () => {
    const mine = await submit('bob')
    await world.sql(`insert into tasks (key, service, action, payload, payload_bytes, status, finished_at, caller)
      select gen_random_uuid(), 'svc', 'ok', '{}', 2, 'complete', now(), 'ann' from generate_series(1, 30000)`)
    for (const filter of ['', '?service=svc', '?status=complete,pending,running'])
      expect(idsOf(await by('bob', 'GET', `/tasks${filter}`)), filter).to.include(mine)
  })

  it('is told by no page and no count how many tasks of others have a label or a schedule', async () => {
    await world.sql(`with made as (
        insert into tasks (key, service, action, payload, payload_bytes, status, finished_at, caller, labels, schedule)
        select gen_random_uuid(), 'svc', 'ok', '{}', 2, 'complete', now(), 'ann', '{"many": "1"}', 'many' from generate_series(1, 10000)
        returning id
      ) insert into task_labels (label, task) select 'many=1', id from made`)
    for (const filter of ['label.many=1', 'schedule=many']) {
      const { json, headers } = await by('bob', 'GET', `/tasks?${filter}`)
      expect([json, headers.get('link')], filter).to.deep.equal([[], null])
      for (const verb of ['cancel', 'retry', 'delete']) {
        const told = await by('bob', 'POST', `/tasks/${verb}?${filter}&dryRun=true`)
        expect(told.json, filter).to.deep.equal({ matched: 0, done: 0, next: null })
      }
    }
  })

  it("is not told which task of another's has its `unique`", async () => {
    const unique = 'both'
    const theirs = await submit('bob', { unique, delay: '1h' })
    const task = { service: 'svc', action: 'ok', unique, delay: '1h' }
    for (const [path, body] of [
      ['/tasks', task],
      ['/tasks/batch', [{ service: 'svc', action: 'ok' }, task]],
    ] as const) {
      const { status, json, location, text } = await by('ann', 'POST', path, body)
      expect([status, json.code, location]).to.deep.equal([409, 'unique_taken', ''])
      expect(text).not.to.contain(theirs.slice('/tasks/'.length))
    }
    expect((await by('bob', 'POST', '/tasks', task)).location).to.equal(theirs)
    expect((await by('ops', 'POST', '/tasks', task)).location).to.equal(theirs)
  })

  it('has idempotency keys of its own, and replays its retry after the task is gone', async () => {
    const key = { 'idempotency-key': 'same' }
    const task = { service: 'svc', action: 'ok' }
    const [first, other] = [await by('ann', 'POST', '/tasks', task, key), await by('bob', 'POST', '/tasks', task, key)]
    expect(first.location).not.to.equal(other.location)
    expect((await by('ann', 'POST', '/tasks', task, key)).location).to.equal(first.location)
    await ended('ann', first.location)
    const retry = await by('ann', 'POST', `${first.location}/retry`, undefined, key)
    expect(retry.status, retry.text).to.equal(302)
    await by('ann', 'DELETE', first.location)
    expect((await by('ann', 'POST', `${first.location}/retry`, undefined, key)).location).to.equal(retry.location)
    expect((await by('bob', 'POST', `${first.location}/retry`, undefined, key)).status).to.equal(404)
  })

  it('is the caller of all that comes of its tasks', async () => {
    const callback = { service: 'svc', action: 'ok' }
    const plain = await submit('ann', { callback })
    const begun = await submit('ann', { action: 'held' })
    const [batched] = idsOf(await by('ann', 'POST', '/tasks/batch', [{ service: 'svc', action: 'ok' }]))
    await ended('ann', plain)
    await world.service.until(() => world.service.of(begun).length > 0)
    expect((await by('ann', 'POST', `${begun}/cancel`)).status).to.equal(200)
    const retried = (await by('ops', 'POST', `${plain}/retry`)).location
    for (const location of [plain, begun, batched ?? '', retried])
      expect(await callerOf(location), location).to.equal('ann')
    const made = await world.sql<{ callers: string[] }>(
      `select array_agg(distinct caller) as callers from tasks where callback_of = $1 or payload ->> 'location' = any($2)`,
      [plain.slice('/tasks/'.length), [plain, begun]],
    )
    expect(made[0]?.callers).to.deep.equal(['ann'])
    expect((await by('ann', 'GET', `${plain}?view=full`)).json.retriedAs).to.equal(retried)
    expect((await by('ann', 'GET', retried)).status).to.equal(200)
  })

  it('has schedules of its own, whose tasks are its own', async () => {
    const schedule = { cron: '* * * * * *', task: { service: 'svc', action: 'ok' } }
    expect((await by('ann', 'PUT', '/schedules/anns', schedule)).status).to.equal(201)
    expect((await by('bob', 'PUT', '/schedules/anns', schedule)).json.code).to.equal('not_allowed')
    for (const [method, path] of [
      ['GET', '/schedules/anns'],
      ['POST', '/schedules/anns/run'],
      ['POST', '/schedules/anns/pause'],
      ['POST', '/schedules/anns/resume'],
      ['DELETE', '/schedules/anns'],
    ] as const) {
      const [told, absent] = [await by('bob', method, path), await by('bob', method, path.replace('anns', 'nope'))]
      expect([told.status, told.text], `${method} ${path}`).to.deep.equal([404, absent.text])
    }
    const key = { 'idempotency-key': 'run' }
    expect((await by('bob', 'POST', '/schedules/anns/run', undefined, key)).status).to.equal(404)
    expect((await by('bob', 'GET', '/schedules')).json).to.deep.equal([])
    await world.service.until(() => world.service.requests.length > 0)
    const fired = async (): Promise<string[]> => idsOf(await by('ann', 'GET', '/tasks?schedule=anns'))
    while ((await fired()).length === 0) await ended('ann', await submit('ann'))
    expect(await callerOf((await fired())[0] ?? '')).to.equal('ann')
    expect(idsOf(await by('bob', 'GET', '/tasks?schedule=anns'))).to.deep.equal([])
    expect((await by('ops', 'PUT', '/schedules/anns', { ...schedule, paused: true })).status).to.equal(200)
    expect((await by('ann', 'DELETE', '/schedules/anns')).status).to.equal(204)
  })
})
