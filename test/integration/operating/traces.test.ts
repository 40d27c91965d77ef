// Traces: what a POST names is kept and sent, goes on over callbacks and retries, and has spans where an SDK is registered.
import { trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const GIVEN = { traceparent: `00-${ID}-${PARENT}-00`, tracestate: 'a=1, b=2' }

describe('the trace of a task', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const services = { svc: { onCancel: 'undo' }, told: {} }
    url = (await world.node({ services })).url
  })
  after(() => world.close())

  const submit = async (task: object, headers: Record<string, string> = {}): Promise<string> =>
    (await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', ...task }, headers)).location
  /** What its requests carried: the headers, in order. */
  const carried = async (location: string): Promise<(string | undefined)[][]> => {
    await ended(url, location)
    return world.service
      .of(location)
      .map(({ request: { headers } }) => [
        headers.traceparent as string | undefined,
        headers.tracestate as string | undefined,
      ])
  }
  const keyOf = async (location: string): Promise<string> => {
    const [row] = await world.sql<{ key: string }>('select key from tasks where id = $1', [location.slice(7)])
    return row?.key.replaceAll('-', '') ?? ''
  }
  const parentsOf = (headers: (string | undefined)[][]): string[] =>
    headers.map(([parent = '']) => parent.slice(36, 52))

  it('is that of its POST, with a new parent id for each request', async () => {
    const headers = await carried(await submit({ action: 'steps.3' }, GIVEN))
    expect(headers).to.have.length(4)
    for (const [parent, state] of headers) {
      expect(parent).to.match(new RegExp(`^00-${ID}-[0-9a-f]{16}-00$`))
      expect(state).to.equal('a=1,b=2')
    }
    const parents = parentsOf(headers)
    expect(new Set([...parents, PARENT]).size).to.equal(5)
  })

  for (const traceparent of [undefined, 'nonsense', `00-${ID}-${PARENT}-01-x`])
    it(`begins with the task where traceparent is ${traceparent}`, async () => {
      const location = await submit(
        { action: 'steps.1' },
        traceparent === undefined ? {} : { traceparent, tracestate: 'a=1' },
      )
      const headers = await carried(location)
      const key = await keyOf(location)
      for (const [parent, state] of headers) {
        expect(parent).to.match(new RegExp(`^00-${key}-[0-9a-f]{16}-01$`))
        expect(state).to.equal(undefined)
      }
      expect(new Set(parentsOf(headers)).size).to.equal(2)
    })

  it('is the same for all tasks of a batch', async () => {
    const tasks = [1, 2, 3].map(() => ({ service: 'svc', action: 'ok' }))
    const { json, status } = await ask('POST', `${url}/tasks/batch`, tasks, GIVEN)
    expect(status).to.equal(201)
    for (const { location } of json as { location: string }[])
      expect((await carried(location))[0]?.[0]).to.match(new RegExp(`^00-${ID}-`))
  })

  for (const [what, headers] of [
    ['given', GIVEN],
    ['its own', {}],
  ] as const)
    it(`goes on in callbacks, retries and tasks of onCancel: ${what}`, async () => {
      const callback = { service: 'told', action: 'ok' }
      const first = await submit({ action: 'fail', callback }, headers)
      await ended(url, first)
      const retried = (await ask('POST', `${url}${first}/retry`)).location
      const bulk = await submit({ action: 'fail' }, headers)
      await ended(url, bulk)
      expect((await ask('POST', `${url}/tasks/retry?ids=${bulk.slice(7)}`)).json).to.include({ done: 1 })
      const held = await submit({ action: 'held' }, headers)
      await world.service.until(() => world.service.of(held).length > 0)
      await ask('POST', `${url}${held}/cancel`)
      const traceOf = async (sql: string, location: string): Promise<string | undefined> =>
        (await world.sql<{ trace: string }>(`select trace from tasks where ${sql}`, [location.slice(7)]))[0]?.trace
      for (const [sql, location] of [
        ['callback_of = $1', first],
        ['retry_of = $1', first],
        ['retry_of = $1', bulk],
        [`action = 'undo' and payload ->> 'location' = '/tasks/' || $1`, held],
      ] as const) {
        const key = await keyOf(location)
        const wanted = headers === GIVEN ? `00-${ID}-${PARENT}-00 a=1,b=2` : `00-${key}-${key.slice(0, 16)}-01`
        expect(await traceOf(sql, location), sql).to.equal(wanted)
      }
      expect((await carried(retried))[0]?.[0]).to.include(headers === GIVEN ? ID : await keyOf(first))
    })
})

describe('the spans of a task', () => {
  const exporter = new InMemorySpanExporter()
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    // Registered before the node starts, as a file would that is loaded first.
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
    const services = { svc: { retry: { attempts: 3, backoff: 10, maxBackoff: 10 } } }
    url = (await world.node({ services })).url
  })
  after(async () => {
    await world.close()
    trace.disable()
  })

  const spansOf = (location: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter(({ attributes }) => attributes['task_api.task'] === location.slice(7))
  const submit = async (action: string, headers: Record<string, string> = {}): Promise<string> =>
    (await ask('POST', `${url}/tasks`, { service: 'svc', action }, headers)).location

  for (const [what, headers] of [
    ['the POST', { ...GIVEN, traceparent: `00-${ID}-${PARENT}-01` }],
    ['the task', {}],
  ] as const)
    it(`are those of ${what}, and requests carry the ids of theirs`, async () => {
      const location = await submit('steps.2', headers)
      await ended(url, location)
      await eventually(() => expect(spansOf(location)).to.have.length(5))
      const spans = spansOf(location)
      const [submitted, run] = ['submit', 'run'].map((name) => spans.find((span) => span.name === name))
      const requests = spans.filter(({ name }) => name === 'request')
      const sent = world.service.of(location).map(({ request }) => String(request.headers.traceparent))
      expect(sent).to.deep.equal(
        requests.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
      )
      const whole = 'traceparent' in headers ? ID : sent[0]?.slice(3, 35)
      for (const span of spans) expect(span.spanContext().traceId).to.equal(whole)
      const parent = 'traceparent' in headers ? PARENT : whole?.slice(0, 16)
      expect([submitted?.parentSpanContext?.spanId, run?.parentSpanContext?.spanId]).to.deep.equal([parent, parent])
      for (const { parentSpanContext } of requests)
        expect(parentSpanContext?.spanId).to.equal(run?.spanContext().spanId)
      expect(requests.map(({ attributes }) => attributes['task_api.outcome'])).to.deep.equal(['206', '206', '200'])
      expect(run?.attributes['task_api.end']).to.equal('complete')
      for (const { endTime, startTime } of spans) expect(endTime[0] - startTime[0]).to.be.within(0, 60)
    })

  it('say what failed, and one claim is one `run`', async () => {
    const location = await submit('later.1')
    await ended(url, location)
    await eventually(() => expect(spansOf(location)).to.have.length(5))
    const ends = spansOf(location).flatMap(({ name, attributes }) =>
      name === 'run' ? [attributes['task_api.end']] : [],
    )
    expect(ends).to.deep.equal(['park', 'complete'])
    const failed = await submit('fail')
    await ended(url, failed)
    await eventually(() => expect(spansOf(failed)).to.have.length(3))
    for (const { name, status } of spansOf(failed)) expect(status.code, name).to.equal(name === 'submit' ? 0 : 2)
  })

  it('end with a task that is cancelled while it runs', async () => {
    const location = await submit('hang')
    await world.service.until(() => world.service.of(location).length > 0)
    await ask('POST', `${url}${location}/cancel`)
    await eventually(() => expect(spansOf(location).map(({ name }) => name)).to.have.members(['submit', 'run']))
  })
})
