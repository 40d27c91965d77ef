// Pause, resume and limit of services over HTTP: what is stored, what is answered, who is told; and what is refused.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

/** The faults of a change: path, body, pointers. */
const FAULTS: readonly (readonly [string, unknown, readonly string[]])[] = [
  ['pause', [], ['']],
  ['pause', '"why"', ['']],
  ['pause', 'null', ['']],
  ['pause', { reason: 5 }, ['/reason']],
  ['pause', { reason: null }, ['/reason']],
  ['pause', { reason: ['a'] }, ['/reason']],
  ['pause', { reason: 'x'.repeat(1_001) }, ['/reason']],
  ['pause', { reason: 'a\0b' }, ['/reason']],
  ['pause', '{"reason":"\\ud800"}', ['/reason']],
  ['pause', '{"reason":"a","reason":"b"}', ['/reason']],
  ['pause', { why: 'a', 'a/b~c': 1 }, ['/why', '/a~1b~0c']],
  ['', {}, ['']],
  ['', { limit: 10 }, ['/limit']],
  ['', { limit: [] }, ['/limit']],
  ['', { limit: {} }, ['/limit']],
  ['', { limit: null, pause: true }, ['/pause']],
  ['', '{"limit":null,"limit":null}', ['/limit']],
  ['', { limit: { concurrency: 0 } }, ['/limit/concurrency']],
  ['', { limit: { concurrency: '10' } }, ['/limit/concurrency']],
  ['', { limit: { concurrency: 1.5, rate: 1 } }, ['/limit/concurrency', '/limit/rate']],
  ['', { limit: { concurrency: null } }, ['/limit/concurrency']],
  ['', { limit: { concurrency: 100_001 } }, ['/limit/concurrency']],
  ['', { limit: { concurrency: 1, burst: 5 } }, ['/limit/burst']],
  ['', { limit: { rate: '0/s' } }, ['/limit/rate']],
  ['', { limit: { rate: '5' } }, ['/limit/rate']],
  ['', { limit: { rate: '5/d' } }, ['/limit/rate']],
  ['', { limit: { rate: ' 5/s' } }, ['/limit/rate']],
  ['', { limit: { rate: '5/s', burst: 0 } }, ['/limit/burst']],
  ['', { limit: { rate: '5/s', bust: 1 } }, ['/limit/bust']],
  ['', '{"limit":{"rate":"5/s","__proto__":1}}', ['/limit/__proto__']],
]

describe('a change of a service', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    const services = { svc: { limit: { concurrency: 3 } }, other: {} }
    urls = [(await world.node({ services })).url, (await world.node({ services: { svc: {} } })).url]
    await world.sql(
      `insert into nodes (id, name, services, lease_until) values ($1, 'a:1', '{ghost}', now() + interval '1 hour')`,
      [randomUUID()],
    )
  })
  after(() => world.close())

  const pause = (name: string, body?: unknown, at = 0): Promise<Told> =>
    ask('POST', `${urls[at]}/services/${name}/pause`, body)
  const resume = (name: string): Promise<Told> => ask('POST', `${urls[0]}/services/${name}/resume`)
  const limit = (name: string, body: unknown): Promise<Told> => ask('PATCH', `${urls[0]}/services/${name}`, body)
  const show = async (name: string): Promise<Told['json']> => (await ask('GET', `${urls[1]}/services/${name}`)).json

  it('pauses with a reason or without one, and is shown on every node', async () => {
    const reason = `the bank is away: ${'ü😀'.repeat(20)}\n"'`
    const first = await pause('svc', { reason })
    expect([first.status, first.json.name]).to.deep.equal([200, 'svc'])
    expect(first.json.paused).to.include({ by: 'api', reason })
    expect(Date.now() - Date.parse(first.json.paused.since)).to.be.within(-5_000, 60_000)
    expect((await show('svc')).paused).to.deep.equal(first.json.paused)
    const second = await pause('svc', undefined, 1)
    expect(second.json.paused).to.deep.equal({ since: first.json.paused.since, by: 'api', reason: null })
    expect((await pause('svc', {})).status).to.equal(200)
    expect((await pause('svc', { reason: '😀'.repeat(1_000) })).status).to.equal(200)
    expect((await show('other')).paused).to.equal(null)
  })

  it('resumes, which ends the pause and the gate, also where nothing is paused', async () => {
    await pause('svc')
    await world.sql(`update service_state set gated_until = now() + interval '1 hour', gated_by = '429'`)
    expect((await show('svc')).gatedUntil).to.be.a('string')
    for (const name of ['svc', 'svc', 'other'])
      expect((await resume(name)).json).to.deep.include({ name, paused: null, gatedUntil: null })
  })

  it('sets a limit in place of that of the file, until null', async () => {
    const set = { concurrency: 100_000, rate: '9999999/h', burst: 10_000_000 }
    const told = await limit('svc', { limit: set })
    expect([told.status, told.json.limit, told.json.rate]).to.deep.equal([200, set, '9999999/h'])
    expect((await show('svc')).limit).to.deep.equal(set)
    expect((await limit('svc', { limit: { rate: '1/s' } })).json).to.deep.include({
      limit: { rate: '1/s' },
      rate: '1/s',
    })
    expect((await limit('svc', { limit: null })).json).to.deep.include({ limit: { concurrency: 3 }, rate: null })
    expect((await show('svc')).limit).to.equal(null)
    expect((await limit('other', { limit: null })).json.limit).to.equal(null)
  })

  it('changes a service that only another live node knows', async () => {
    expect((await pause('ghost')).json.paused).to.include({ by: 'api' })
    expect((await limit('ghost', { limit: { concurrency: 1 } })).json).to.deep.include({
      limit: { concurrency: 1 },
      url: null,
    })
    expect((await resume('ghost')).json.paused).to.equal(null)
    await world.sql(`delete from nodes where name = 'a:1'`)
    expect((await resume('ghost')).status).to.equal(404)
  })

  it('leaves a service that nobody knows alone', async () => {
    const names = [
      'nobody',
      'SVC',
      'svc%00',
      'a%20b',
      'a%2Fb',
      '%zz',
      '%',
      'x'.repeat(101),
      'x'.repeat(8_000),
      '%F0%9F%98%80',
      '...',
      "svc'--",
    ]
    for (const name of names) {
      const answers = [
        await ask('GET', `${urls[0]}/services/${name}`),
        await pause(name),
        await resume(name),
        await limit(name, { limit: null }),
      ]
      for (const { status, json } of answers) expect([status, json.code], name).to.deep.equal([404, 'not_found'])
    }
    expect(await world.sql(`select from service_state where service not in ('svc', 'other', 'ghost')`)).to.deep.equal(
      [],
    )
  })

  for (const [path, body, pointers] of FAULTS)
    it(`is refused: ${path === '' ? 'PATCH' : path} ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const before = await show('svc')
      const { status, json } = path === '' ? await limit('svc', body) : await pause('svc', body)
      expect([status, json.code]).to.deep.equal([400, 'invalid_service'])
      expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).to.deep.equal(pointers)
      expect(await show('svc')).to.deep.include({ paused: before.paused, limit: before.limit })
    })

  it('is refused with a body that is no JSON, is too large, or is not declared', async () => {
    for (const body of ['{', '{"reason":"a"', "{'reason':1}", '\ufeff{}'])
      expect((await pause('svc', body)).json.code).to.equal('malformed_json')
    expect((await limit('svc', '[')).json.code).to.equal('malformed_json')
    expect((await limit('svc', `{"limit":${'['.repeat(600)}${']'.repeat(600)}}`)).json.code).to.equal('too_deep')
    expect((await pause('svc', { reason: 'x'.repeat(1_048_576) })).status).to.equal(413)
    expect((await ask('PATCH', `${urls[0]}/services/svc`)).status).to.equal(415)
    expect((await ask('GET', `${urls[0]}/services?limit=5`)).json.code).to.equal('invalid_parameter')
  })
})
