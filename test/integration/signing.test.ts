// Signed requests, judged by the package of Standard Webhooks over the bytes that arrived.
import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import type { RunningNode } from '../../src/main.ts'
import type { Seen } from '../support/service.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** Payloads whose bytes are easily changed on the way. */
const PAYLOADS = [
  '{"a":1}',
  '{ "a" :\t[ 1 ,\r\n 2.0 ] }',
  '"\u{1f600} é \u2028"',
  String.raw`["\ud800","\u0000"]`,
  'null',
  `"${'ä'.repeat(100_000)}"`,
]

describe('a service that signs', () => {
  const [old, now, other] = [secret(), secret(), secret()]
  let world: World
  let node: RunningNode
  before(async () => {
    world = await openWorld()
    node = await world.node({ services: { svc: { signing: { secrets: [old, now] } }, plain: {} } })
  })
  after(() => world.close())

  /** Throws where a secret did not sign the request. */
  const verify = ({ body, request }: Seen, by: string): unknown =>
    new Webhook(by).verify(body, request.headers as Record<string, string>)
  const idsOf = (location: string): string[] =>
    world.service.of(location).map(({ request }) => String(request.headers['webhook-id']))

  it('signs the very bytes of every step, by each secret', async () => {
    const tasks = await Promise.all(PAYLOADS.map((payload) => post(node.url, 'same.1', payload)))
    for (const [i, location] of tasks.entries()) {
      await ended(node.url, location)
      const seen = world.service.of(location)
      expect(seen.map(({ body }) => body.toString())).to.deep.equal([PAYLOADS[i], PAYLOADS[i]])
      for (const one of seen) {
        verify(one, old)
        verify(one, now)
        expect(() => verify(one, other)).to.throw('No matching signature found')
      }
      const key = seen[0]?.key.slice(1, -3)
      expect(idsOf(location)).to.deep.equal([`${key}_0`, `${key}_1`])
    }
  })

  it('signs each try anew, under the same id', async () => {
    const location = await post(node.url, 'later.2')
    await ended(node.url, location)
    const seen = world.service.of(location)
    for (const one of seen) verify(one, now)
    expect(new Set(idsOf(location)).size).to.equal(1)
    const [first, second] = seen.map(({ request }) => Number(request.headers['webhook-timestamp']))
    expect(Number(second) - Number(first)).to.be.at.least(1)
  })

  it('leaves the requests of other services as they were', async () => {
    const location = await post(node.url, 'ok', '{}', 'plain')
    await ended(node.url, location)
    const names = Object.keys(world.service.of(location)[0]?.request.headers ?? {})
    expect(names.filter((name) => name.startsWith('webhook'))).to.deep.equal([])
  })

  it('is not shown by the API', async () => {
    const said = await (await fetch(`${node.url}/services`)).text()
    for (const hidden of [old, now]) expect(said).to.not.include(hidden.slice('whsec_'.length))
  })
})
