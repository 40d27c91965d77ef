// What a retry is: where it begins, what it takes along, and what begins anew. Whatever ended the task before.
import { expect } from 'chai'
import type { ServerResponse } from 'node:http'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

interface Asked {
  readonly step: number
  readonly attempt: number
  readonly body: string
  readonly key: string
  readonly retryOf: string | undefined
}

/** How a service ends a task at its third request. */
const ENDS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  service_error: (response) => void response.writeHead(500).end('{"why":"no"}'),
  redirect: (response) => void response.writeHead(307, { Location: '/' }).end(),
  service_unavailable: (response) => void response.writeHead(503).end(),
  bad_body: (response) => void response.writeHead(206).end('{"half":'),
  body_too_large: (response) => void response.writeHead(206).end(JSON.stringify('x'.repeat(1024 * 1024))),
  timeout: () => {},
  deadline_exceeded: () => {},
  cancelled: () => {},
  crashed: () => {},
}

describe('a retry', () => {
  let world: World
  let urls: string[]
  let url: string
  /** What the service was asked, by location. */
  const asked = new Map<string, Asked[]>()
  before(async () => {
    world = await openWorld()
    // Two steps; then the end that the action names, or three more steps and 200 where it is a retry.
    const own = await world.serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { 'task-location': location = '', 'task-step': step, 'task-attempt': attempt } = request.headers
        const { 'idempotency-key': key, 'task-retry-of': retryOf, 'task-action': action } = request.headers
        const one = {
          step: Number(step),
          attempt: Number(attempt),
          body: Buffer.concat(chunks).toString(),
          key: String(key),
        }
        const all = asked.get(String(location)) ?? []
        asked.set(String(location), [...all, { ...one, retryOf: retryOf as string | undefined }])
        if (one.step === 2 && retryOf === undefined) return ENDS[String(action)]?.(response)
        response.writeHead(one.step < 5 ? 206 : 200).end(`{"at": ${one.step + 1}}`)
      })
    })
    const retry = { attempts: 1, backoff: 1, maxBackoff: 1 }
    const services = { svc: {}, own: { url: own, timeout: 500, maxSteps: 4, retry } }
    urls = [(await world.node({ services })).url, (await world.node({ services: { ...services, extra: {} } })).url]
    url = urls[0] ?? ''
  })
  after(() => world.close())

  const submit = async (task: Record<string, unknown>): Promise<string> => {
    const told = await ask('POST', `${urls[1]}/tasks`, { service: 'svc', action: 'ok', ...task })
    expect(told.status).to.equal(302)
    return told.location
  }
  /** A task that has ended. */
  const old = async (task: Record<string, unknown>): Promise<string> => {
    const location = await submit(task)
    await ended(url, location)
    return location
  }
  const retry = (location: string, body?: unknown, headers?: Record<string, string>): Promise<Told> =>
    ask('POST', `${url}${location}/retry`, body, headers)
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json
  /** Resolves when the third request of a task is there. */
  const third = (location: string): Promise<unknown> => eventually(() => expect(asked.get(location)).to.have.length(3))

  for (const code of Object.keys(ENDS))
    it(`goes on at the step reached with the state it had, where ${code} ended the task`, async () => {
      const deadline = code === 'deadline_exceeded' ? { deadline: '400ms' } : {}
      const location = await submit({ service: 'own', action: code, payload: { first: true }, ...deadline })
      await third(location)
      if (code === 'cancelled') await ask('POST', `${url}${location}/cancel`)
      // As the chore writes it of a task whose nodes were lost.
      if (code === 'crashed')
        await world.sql(
          `update tasks set status = 'failed', node = null, finished_at = now(), crashes = 10, error = '{"code":"crashed","detail":""}' where id = $1`,
          [location.slice(7)],
        )
      expect((await ended(url, location)).error).to.include({ code })
      if (code === 'deadline_exceeded')
        await world.sql('update tasks set deadline_ms = null where id = $1', [location.slice(7)])
      const { status, location: again } = await retry(location)
      expect(status).to.equal(302)
      expect(await ended(url, again)).to.deep.include({
        status: 'complete',
        result: { at: 6 },
        payload: { first: true },
      })
      // Five answers 206 in all: `maxSteps` counts those of the retry alone.
      const requests = asked.get(again) ?? []
      expect(requests.map(({ step, attempt }) => [step, attempt])).to.deep.equal([
        [2, 1],
        [3, 1],
        [4, 1],
        [5, 1],
      ])
      expect(requests[0]).to.include({ body: '{"at": 2}', retryOf: location })
      const [theirs, ours] = [asked.get(location)?.[2]?.key, requests[0]?.key]
      expect(ours)
        .to.match(/^"[0-9a-f-]{36}\.2"$/)
        .and.not.equal(theirs)
      expect(await full(again)).to.include({ fails: 0, lastError: null, retryOf: location })
      expect(await full(location)).to.include({ status: 'failed', retriedAs: again })
    })

  it('begins at the failure, at the start, or at the step reached, as is asked', async () => {
    const begins = async (body: unknown): Promise<unknown[]> => {
      const location = await old({ service: 'own', action: 'service_error', payload: [1] })
      const { location: again } = await retry(location, body)
      await ended(url, again)
      const [first] = asked.get(again) ?? []
      return [first?.step, first?.body]
    }
    expect(await begins({ from: 'failure' })).to.deep.equal([2, '{"at": 2}'])
    expect(await begins({ from: 2 })).to.deep.equal([2, '{"at": 2}'])
    expect(await begins({ from: 2, payload: [3] })).to.deep.equal([2, '[3]'])
    expect(await begins({ from: 'failure', payload: null })).to.deep.equal([2, 'null'])
    // From here on there are more steps than may be.
    expect(await begins({ from: 'start' })).to.deep.equal([0, '[1]'])
    expect(await begins({ from: 0, payload: [2] })).to.deep.equal([0, '[2]'])
    const location = await old({ service: 'own', action: 'service_error' })
    for (const from of [1, 3]) expect((await retry(location, { from })).json).to.include({ code: 'no_such_state' })
    expect((await retry(location, { from: 3, payload: {} })).json).to.include({ code: 'no_such_state' })
    expect((await retry(location, { from: 1, payload: {} })).status).to.equal(302)
  })

  it('of a complete task begins from the start, and knows no failure of it', async () => {
    const location = await old({ action: 'steps.2', payload: { n: 1 } })
    const refused = await retry(location, { from: 'failure' })
    expect([refused.status, refused.json.code]).to.deep.equal([409, 'no_such_state'])
    expect((await full(location)).retriedAs).to.equal(null)
    const { location: again } = await retry(location)
    await ended(url, again)
    expect(world.service.of(again).map(({ step }) => step)).to.deep.equal([0, 1, 2])
    expect(String(world.service.of(again)[0]?.body)).to.equal('{"n":1}')
  })

  it('carries a payload to the byte, whatever it is', async () => {
    for (const payload of [
      String.raw`{"a":  "\u0000\ud800", "b": 1e400, "b": 2}`,
      'null',
      '"x"',
      '[ 12345678901234567890 ]',
    ]) {
      const { status, location } = await retry(await old({}), `{"payload": ${payload}}`)
      expect(status).to.equal(302)
      await ended(url, location)
      expect(String(world.service.of(location)[0]?.body)).to.equal(payload)
      expect((await ask('GET', `${url}${location}`)).text).to.contain(`"payload":${payload},`)
    }
  })

  it('begins when its delay is over', async () => {
    const location = await old({})
    const { location: again, json } = await retry(location, { delay: '1500ms' })
    expect(json).to.include({ location: again, status: 'pending' })
    const task = await full(again)
    expect(Date.parse(task.runAt) - Date.parse(task.createdAt)).to.equal(1_500)
    const { startedAt } = await ended(url, again)
    expect(Date.parse(startedAt ?? '') - Date.parse(task.runAt)).to.be.within(0, 1_000)
  })
})
