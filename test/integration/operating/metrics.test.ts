// The metrics of a real node: each counter against what a referee saw and what the table says.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { METRICS } from '../../../src/telemetry/metrics.ts'
import { eventually } from '../../support/eventually.ts'
import { type Family, readExposition } from '../../support/exposition.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

/** What a node says, by family. */
async function scrape(url: string): Promise<Map<string, Family>> {
  const { status, headers, text } = await ask('GET', `${url}/metrics`)
  expect([status, headers.get('content-type')]).to.deep.equal([200, 'text/plain; version=0.0.4; charset=utf-8'])
  return readExposition(text)
}

/** The sum of the lines of a metric that have these labels. */
const sum = (families: Map<string, Family>, name: string, labels: Record<string, string> = {}, suffix = ''): number =>
  (families.get(name)?.points ?? [])
    .filter((point) => point.name === name + suffix)
    .filter((point) => Object.entries(labels).every(([label, value]) => point.labels[label] === value))
    .reduce((all, { value }) => all + value, 0)

/** The values of one label. */
const byLabel = (families: Map<string, Family>, name: string, label: string): Record<string, number> => {
  const values: Record<string, number> = {}
  for (const { labels, value } of families.get(name)?.points ?? [])
    if (value > 0) values[labels[label] ?? ''] = (values[labels[label] ?? ''] ?? 0) + value
  return values
}

/** The answers of the referee, by the action: the status, and how long to wait. */
const SCRIPT: Readonly<Record<string, (step: number, attempt: number) => readonly [status: number, wait?: string]>> = {
  ok: () => [200],
  three: (step) => [step < 3 ? 206 : 200],
  fails: () => [500],
  absent: () => [404],
  odd: () => [299],
  moved: () => [307],
  flaky: (_step, attempt) => [attempt < 3 ? 503 : 200],
  parks: (_step, attempt) => [attempt < 2 ? 503 : 200, '1'],
  polls: (step) => [step < 1 ? 206 : 200, '1'],
}

describe('the metrics of a node', () => {
  let world: World
  let url: string
  /** Answers of the referee by status; requests that it has not answered, by action. */
  const answers: Record<string, number> = {}
  const held = new Set<string>()

  const referee = (request: IncomingMessage, response: ServerResponse): void => {
    const action = request.url?.slice(1) ?? ''
    const script = SCRIPT[action]
    if (!script) return void held.add(action)
    const [step, attempt] = [request.headers['task-step'], request.headers['task-attempt']].map(Number)
    const [status, wait] = script(step ?? 0, attempt ?? 0)
    answers[status] = (answers[status] ?? 0) + 1
    response.writeHead(status, wait === undefined ? {} : { 'Retry-After': wait }).end(status < 300 ? '{"at":1}' : '')
  }

  before(async () => {
    world = await openWorld()
    const services = {
      svc: { url: await world.serve(referee), retry: { attempts: 5, backoff: 20, maxBackoff: 50 } },
      gone: { url: 'http://127.0.0.1:9/{action}', retry: { attempts: 2, backoff: 10, maxBackoff: 10 } },
    }
    url = (await world.node({ services })).url
  })
  after(() => world.close())

  it('are all of the table, also before anything has happened', async () => {
    const families = await scrape(url)
    expect([...families.keys()]).to.include.members(Object.keys(METRICS))
    expect(sum(families, 'task_api_postgres_up')).to.equal(1)
    expect(sum(families, 'task_api_redis_up')).to.equal(1)
    expect(sum(families, 'task_api_slots')).to.equal(1_000)
    expect(families.get('task_api_slots')?.points.map(({ labels }) => labels.state)).to.deep.equal([
      'running',
      'reserved',
      'free',
    ])
    expect(families.get('task_api_paused')?.points).to.have.length(2)
  })

  it('are what the referee saw, over retries, parks and cancellations', async () => {
    const actions = Object.keys(SCRIPT).flatMap((action) => Array<string>(7).fill(action))
    const locations = await Promise.all(actions.map((action) => post(url, action)))
    const batch = Array.from({ length: 20 }, () => ({ service: 'svc', action: 'ok' }))
    const made = await ask('POST', `${url}/tasks/batch`, batch)
    locations.push(...(made.json as { location: string }[]).map(({ location }) => location))
    const optional = { service: 'svc', action: 'three', labels: { a: 'b' } }
    for (let i = 0; i < 3; i += 1) {
      const repeated = await ask('POST', `${url}/tasks`, optional, { 'idempotency-key': 'one' })
      if (i === 0) locations.push(repeated.location)
    }
    locations.push(...(await Promise.all([1, 2].map(() => post(url, 'x', undefined, 'gone')))))
    await Promise.all(locations.map((location) => ended(url, location)))
    const cut = await post(url, 'held')
    await eventually(() => expect(held.has('held')).to.equal(true))
    expect(sum(await scrape(url), 'task_api_running', { service: 'svc' })).to.equal(1)
    expect((await ask('POST', `${url}${cut}/cancel`)).status).to.equal(200)
    await eventually(async () => {
      const families = await scrape(url)
      const outcomes = byLabel(families, 'task_api_requests_total', 'outcome')
      const { 299: odd, ...known } = answers
      expect(outcomes).to.deep.equal({ ...known, other: odd, refused: 4, stopped: 1 })
      const all = Object.values(answers).reduce((total, count) => total + count, 0)
      expect(sum(families, 'task_api_request_seconds', {}, '_count')).to.equal(all + 5)
      expect(sum(families, 'task_api_tasks_submitted_total')).to.equal(locations.length + 1)
      expect(sum(families, 'task_api_queue_seconds', {}, '_count')).to.equal(locations.length + 1)
      const rows = await world.sql<{ service: string; status: string; code: string; count: number }>(
        `select service, status, coalesce(error ->> 'code', '') as code, count(*)::integer as count from tasks group by 1, 2, 3`,
      )
      for (const { count, status, service, code } of rows)
        // A task that was tried again keeps its last error when it is complete.
        if (status === 'failed')
          expect(sum(families, 'task_api_tasks_ended_total', { service, status, code }), code).to.equal(count)
      const complete = rows.filter(({ status }) => status === 'complete').reduce((total, row) => total + row.count, 0)
      expect(sum(families, 'task_api_tasks_ended_total', { status: 'complete' })).to.equal(complete)
      expect(sum(families, 'task_api_running')).to.equal(0)
      expect(sum(families, 'task_api_batch_rows', { statement: 'submit_all' }, '_sum')).to.equal(20)
      expect(sum(families, 'task_api_statement_seconds', { statement: 'insert' }, '_count')).to.be.above(0)
    })
  })

  it('count a take-over, and go on counting', async () => {
    const before = await scrape(url)
    const dead = randomUUID()
    await world.sql(
      `insert into nodes (id, name, services, lease_until) values ($1, 'dead', '{svc}', now() - interval '1 s')`,
      [dead],
    )
    await world.sql(
      `insert into tasks (key, service, action, payload, payload_bytes, status, node, token, attempt)
       select gen_random_uuid(), 'svc', 'ok', '{}', 2, 'running', $1, 7, 1 from generate_series(1, 5)`,
      [dead],
    )
    await eventually(async () => {
      const now = await scrape(url)
      const more = (name: string, labels?: Record<string, string>): number =>
        sum(now, name, labels) - sum(before, name, labels)
      expect(more('task_api_takeovers_total')).to.equal(5)
      expect(more('task_api_tasks_ended_total', { status: 'complete' })).to.equal(5)
      expect(more('task_api_requests_total', { outcome: '200' })).to.equal(5)
    })
  })

  it('say what waits, and what is paused', async () => {
    expect((await ask('POST', `${url}/services/svc/pause`)).status).to.equal(200)
    await eventually(async () => expect(sum(await scrape(url), 'task_api_paused', { service: 'svc' })).to.equal(1))
    await Promise.all([1, 2, 3].map(() => post(url, 'ok')))
    await eventually(async () => {
      const families = await scrape(url)
      expect(sum(families, 'task_api_waiting', { service: 'svc' })).to.equal(3)
      expect(sum(families, 'task_api_oldest_seconds', { service: 'svc' })).to.be.above(0)
      expect(sum(families, 'task_api_waiting', { service: 'gone' })).to.equal(0)
    })
    await ask('POST', `${url}/services/svc/resume`)
  })

  it('of a hundred services come soon, and without Postgres within a second', async () => {
    const proxy = new TcpProxy()
    const through = new URL(world.databaseUrl)
    await proxy.listen(Number(through.port || 5432))
    through.host = `127.0.0.1:${proxy.port}`
    const services = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s${i}`, {}]))
    const node = await world.node({ services, databaseUrl: through.href })
    try {
      for (let i = 0; i < 100; i += 1) await post(node.url, 'ok', undefined, `s${i}`)
      const took: number[] = []
      const timed = async (): Promise<Map<string, Family>> => {
        const begun = performance.now()
        const { text } = await ask('GET', `${node.url}/metrics`)
        took.push(performance.now() - begun)
        return readExposition(text)
      }
      for (let i = 0; i < 20; i += 1) await timed()
      expect(took.sort((a, b) => a - b)[10], 'ms at the median').to.be.below(500)
      expect(sum(await timed(), 'task_api_tasks_submitted_total')).to.equal(100)
      proxy.silence()
      await eventually(async () => {
        took.length = 0
        const families = await timed()
        expect(took[0]).to.be.below(1_000)
        expect(sum(families, 'task_api_postgres_up')).to.equal(0)
        expect(sum(families, 'task_api_tasks_submitted_total')).to.equal(100)
      })
    } finally {
      proxy.thaw()
      await node.stop()
      await proxy.close()
    }
  })
})
