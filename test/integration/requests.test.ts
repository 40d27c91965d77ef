// What a service receives: address, headers and bytes, exactly as docs/contract.md says.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

/** Payloads that a parse and a print would change. */
const NASTY: Readonly<Record<string, string>> = {
  'NUL and control escapes': String.raw`{"a":"\u0000\u001f"}`,
  'lone surrogates': String.raw`["\ud800","\udc00x"]`,
  'names of prototypes': '{"__proto__":{"x":1},"constructor":{"prototype":1}}',
  'big numbers': '[9223372036854775807,123456789012345678901234567890,1e400,-0,0.10,1E+2]',
  'duplicate keys': '{"a":1,"a":2,"b":{"a":3,"a":3}}',
  whitespace: '{ "a" :\t[ 1 ,\r\n 2 ] , "" : { } }',
  'keys out of order': '{"b":1,"10":2,"9":3,"a":4}',
  'escapes of plain characters': String.raw`"\u0041\/\u00e9"`,
  'characters beyond the BMP': '"\u{1f600} é \u2028"',
  null: 'null',
  'deep nesting': '['.repeat(500) + ']'.repeat(500),
}

describe('a request to a service', () => {
  let world: World
  let node: RunningNode
  const bodies = new Map<string, string[]>()
  before(async () => {
    world = await openWorld()
    const names = Object.keys(NASTY)
    // Hands each payload back as the next one, then as the result; `turn` goes from one to the next.
    const mirror = await world.serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { 'task-location': location, 'task-step': step, 'task-action': action } = request.headers
        const got = bodies.get(String(location)) ?? []
        got.push(Buffer.concat(chunks).toString())
        bodies.set(String(location), got)
        const next = NASTY[names[(Number(action) + Number(step) + 1) % names.length] ?? ''] ?? ''
        // The second answer parks the task, the third ends it.
        response.writeHead(step === '2' ? 200 : 206, step === '1' ? { 'Retry-After': '1' } : {}).end(next)
      })
    })
    const headers = { Authorization: 'Bearer x y', 'X-Tenant': 'a' }
    const { port } = world.service
    node = await world.node({
      services: {
        svc: { headers },
        mirror: { url: mirror },
        appended: { url: `http://127.0.0.1:${port}/base?x=1` },
        query: { url: `http://127.0.0.1:${port}/in?run={action}&y=2` },
      },
    })
  })
  after(() => world.close())

  it('has the headers of the contract and the configured ones, and no others', async () => {
    const location = await post(node.url, 'steps.1', '{"a":1}')
    await ended(node.url, location)
    const [first, second] = world.service.of(location)
    const key = first?.key.slice(1, -3)
    const { host, connection, traceparent, ...rest } = first?.request.headers ?? {}
    expect(host).to.equal(`127.0.0.1:${world.service.port}`)
    expect(connection).to.equal('keep-alive')
    expect(traceparent).to.match(new RegExp(`^00-${key?.replaceAll('-', '')}-[0-9a-f]{16}-01$`))
    expect(rest).to.deep.equal({
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'task_api/0.0.0',
      'task-location': location,
      'task-action': 'steps.1',
      'task-step': '0',
      'task-attempt': '1',
      'idempotency-key': `"${key}.0"`,
      'content-length': '7',
      authorization: 'Bearer x y',
      'x-tenant': 'a',
    })
    expect(second?.request.headers).to.deep.include({ 'task-step': '1', 'idempotency-key': `"${key}.1"` })
    expect(key).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('is a POST to the URL with the action in its place', async () => {
    const action = 'A.z~0-_9'
    const seen = await Promise.all(
      ['svc', 'appended', 'query'].map(async (service) => {
        const location = await post(node.url, action, '1', service)
        await world.service.until((all) => all.some((one) => one.location === location))
        const { method, url } = world.service.of(location)[0]?.request ?? {}
        return `${method} ${url}`
      }),
    )
    expect(seen).to.deep.equal([`POST /run/${action}`, `POST /base/${action}?x=1`, `POST /in?run=${action}&y=2`])
  })

  it('has {} as its body when the task was created without a payload', async () => {
    const location = await post(node.url, 'echo')
    expect((await ended(node.url, location)).result).to.deep.equal({})
    expect(world.service.of(location)[0]?.body.toString()).to.equal('{}')
  })

  it('keeps every byte of the payload, through 206 answers and waits, and GET shows the same', async () => {
    const payloads = Object.values(NASTY)
    await Promise.all(
      payloads.map(async (payload, i) => {
        const location = await post(node.url, String(i), payload, 'mirror')
        await ended(node.url, location)
        const at = (n: number): string => payloads[(i + n) % payloads.length] ?? ''
        expect(bodies.get(location)).to.deep.equal([at(0), at(1), at(2)])
        const text = await (await fetch(`${node.url}${location}`)).text()
        expect(text)
          .to.contain(`"payload":${at(0)},`)
          .and.contain(`"result":${at(3)}}`)
      }),
    )
  })
})
