// A load of `steps` tasks: posted over kept-alive connections, and held against what the service has seen of them.
import { expect } from 'chai'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Fleet } from './fleet.ts'
import type { Seen } from './service.ts'

/** An answer of the API. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Milliseconds. */
  readonly took: number
}

/** A task that was acknowledged. */
export interface Posted {
  readonly location: string
  /** Answers 206 that it gets before its 200. */
  readonly steps: number
}

/** Sends one request; rejects when no answer came. */
export async function call(agent: Agent, method: string, url: string, json?: string): Promise<Answered> {
  const begun = performance.now()
  const headers = json === undefined ? {} : { 'content-type': 'application/json' }
  const outgoing = request(url, { method, agent, headers }).end(json)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await text(response)
  return { status: response.statusCode ?? 0, headers: response.headers, body, took: performance.now() - begun }
}

/** Posts one task of `svc`. */
export const postOne = (agent: Agent, url: string, action: string): Promise<Answered> =>
  call(agent, 'POST', `${url}/tasks`, `{"service":"svc","action":"${action}","payload":{"at":0}}`)

/** Posts `count` tasks of 0 to 5 steps, by turns to the nodes at `urls`; all must be acknowledged. */
export async function postLoad(urls: readonly string[], count: number, width = 32): Promise<Posted[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: width })
  const posted: Posted[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let turn = next++; turn < count; turn = next++) {
      const steps = turn % 6
      const { status, headers, body } = await postOne(agent, urls[turn % urls.length] ?? '', `steps.${steps}`)
      expect(status, body).to.equal(302)
      posted.push({ location: headers.location ?? '', steps })
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  agent.destroy()
  return posted
}

/** What a check of a load has found. */
export interface Figures {
  readonly requests: number
  /** Requests beyond one for each step. */
  readonly repeats: number
}

interface EndedRow {
  readonly id: string
  readonly status: string
  readonly step: number
  readonly result: unknown
}

/**
 * Holds a load that has ended against what the service has seen: every task is complete with the service's last answer;
 * each step was asked, none after a later one had begun, with the answer of the step before as its payload.
 */
export async function verify(fleet: Fleet, posted: readonly Posted[]): Promise<Figures> {
  const rows = await fleet.sql<EndedRow>('select id, status, step, result from tasks')
  const byLocation = new Map(rows.map((row) => [`/tasks/${row.id}`, row]))
  const seen = new Map(posted.map(({ location }) => [location, [] as Seen[]]))
  for (const one of fleet.service.requests) seen.get(one.location)?.push(one)
  let requests = 0
  let needed = 0
  for (const { location, steps } of posted) {
    const row = byLocation.get(location)
    expect(row, location).to.deep.include({ status: 'complete', step: steps, result: { at: steps + 1 } })
    const own = seen.get(location) ?? []
    verifyRequests(location, own, steps)
    requests += own.length
    needed += steps + 1
  }
  return { requests, repeats: requests - needed }
}

/** The requests of one task in the order in which they arrived. */
function verifyRequests(location: string, own: readonly Seen[], steps: number): void {
  expect(new Set(own.map(({ step }) => step)).size, `${location}: steps asked`).to.equal(steps + 1)
  expect(new Set(own.map(({ key }) => key.replace(/\.\d+"$/, ''))).size, `${location}: keys`).to.equal(1)
  own.forEach(({ step, attempt, key, body }, i) => {
    expect(key, location).to.match(new RegExp(`\\.${step}"$`))
    expect(body.toString(), location).to.equal(JSON.stringify({ at: step }))
    const last = own[i - 1]
    if (last) expect(step, `${location}: a step after a later one`).to.be.at.least(last.step)
    if (last?.step === step) expect(attempt, `${location}: the next try of a step`).to.be.above(last.attempt)
  })
}
