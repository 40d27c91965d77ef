// A morning with much to set right, for pictures of the page and for trying it: several services, most of them in some trouble.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SERVICE_DEFAULTS, type Service } from '../../src/core/service.ts'
import { eventually } from '../support/eventually.ts'

const BILLED = 3_000

/** A service of many actions, and the registrations that go with it. */
export async function openServices(): Promise<{ services: Record<string, Partial<Service>>; close(): void }> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{action}`
  return {
    services: {
      billing: { url },
      images: { url, concurrency: 40 },
      mail: { url, limit: { concurrency: 10, rate: '50/s' } },
      reports: { url, attemptLog: 'all', keepStates: 5 },
      // Nobody listens there.
      search: {
        url: 'http://127.0.0.1:9/{action}',
        retry: { ...SERVICE_DEFAULTS.retry, attempts: 8, backoff: 20_000 },
      },
    },
    close: () => server.close().closeAllConnections(),
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const payload = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { order?: number; page?: number }
  const reply = (status: number, body: object, after = 0): void =>
    void setTimeout(
      () => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body)),
      after,
    )
  const { order = 0, page = 0 } = payload
  if (request.url === '/charge')
    return reply(500, {
      error: order % 3 === 0 ? `no such customer: ${order}` : `the card of order ${order} was declined`,
    })
  if (request.url === '/monthly')
    return page < 5
      ? reply(206, { ...payload, page: page + 1 }, 300)
      : reply(200, { pages: page, file: 'report-2026-11.pdf' }, 120)
  if (request.url === '/resize') return reply(200, { width: 640 }, 15_000)
  return reply(200, { ok: true }, 20)
}

/** Makes the mess on a node, and waits until it is one. */
export async function makeMess(url: string): Promise<void> {
  const send = async (method: string, path: string, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', prefer: 'return=representation' }
    const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const batch = (count: number, task: (i: number) => object) =>
    send(
      'POST',
      '/tasks/batch',
      Array.from({ length: count }, (_, i) => task(i)),
    )
  await send('PUT', '/schedules/nightly-report', {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    task: { service: 'reports', action: 'monthly', payload: { page: 0 } },
  })
  await send('PUT', '/schedules/thumbnails', {
    cron: '*/5 * * * * *',
    overlap: 'skip',
    task: { service: 'images', action: 'thumb' },
  })
  await send('PUT', '/schedules/cleanup', {
    cron: '30 4 * * SUN',
    paused: true,
    task: { service: 'images', action: 'cleanup' },
  })
  for (let i = 0; i < BILLED; i += 1_000)
    await batch(1_000, (k) => ({
      service: 'billing',
      action: 'charge',
      payload: { order: i + k },
      labels: { shop: k % 2 === 0 ? 'berlin' : 'lisbon' },
    }))
  await batch(40, (i) => ({
    service: 'mail',
    action: 'send',
    payload: { to: `customer-${i}@example.org` },
    labels: { campaign: 'autumn' },
  }))
  await batch(12, (i) => ({ service: 'search', action: 'index', payload: { document: i } }))
  await eventually(async () => {
    const failed = (await (await fetch(`${url}/tasks?status=failed&limit=1&before=2`)).json()) as unknown[]
    const open = (await (await fetch(`${url}/tasks?status=pending&service=billing&limit=1`)).json()) as unknown[]
    if (failed.length === 0 || open.length > 0) throw new Error('the bills are under way')
  })
  await send('POST', '/services/mail/pause', { reason: 'the provider is down, ticket 4711' })
  await batch(25, (i) => ({
    service: 'mail',
    action: 'send',
    payload: { to: `later-${i}@example.org` },
    labels: { campaign: 'autumn' },
  }))
  await batch(6, (i) => ({ service: 'images', action: 'resize', payload: { image: i, width: 640 } }))
  await batch(5, (i) => ({
    service: 'reports',
    action: 'monthly',
    payload: { customer: 9_007_199_254_740_000 + i, page: 0 },
    labels: { customer: String(i), region: 'eu' },
  }))
  await send('POST', '/tasks', {
    service: 'reports',
    action: 'monthly',
    payload: { page: 0 },
    delay: '3h',
    priority: 'high',
  })
  await eventually(async () => {
    const done = (await (await fetch(`${url}/tasks?status=complete&service=reports`)).json()) as unknown[]
    if (done.length < 4) throw new Error('the reports are under way')
    // Nodes write what minutes came to every 10 s.
    const { lastHour } = (await (await fetch(`${url}/services/reports`)).json()) as { lastHour: { complete: number } }
    if (lastHour.complete < 4) throw new Error('the minute is not written')
  })
}
