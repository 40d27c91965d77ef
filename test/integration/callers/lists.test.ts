// The edges of the list: pages of 8 MiB in full, ids given twice, and filters of what callers may write.
import { expect } from 'chai'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const MIB = 1024 * 1024

describe('the list in full', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ slots: 0 })).url
  })
  after(() => world.close())
  afterEach(() => world.sql('delete from tasks'))

  const insert = async (count: number, columns: string, values: string): Promise<string[]> =>
    (
      await world.sql<{ id: string }>(
        `insert into tasks (key, service, action, payload, payload_bytes${columns}) select gen_random_uuid(), 'svc', 'ok', '{}', 2${values}
         from generate_series(1, $1) i returning id`,
        [count],
      )
    ).map(({ id }) => `/tasks/${id}`)
  const list = (query: string): Promise<Told> => ask('GET', `${url}/tasks?${query}`)
  const locationsOf = ({ json }: Told): string[] =>
    json.map(({ location }: { location: string }) => location).toReversed()
  /** All pages; the most bytes of one. */
  async function pages(query: string): Promise<{ found: string[]; sizes: number[]; most: number }> {
    const [found, sizes]: [string[], number[]] = [[], []]
    let most = 0
    for (let path: string | undefined = `/tasks?${query}`; path !== undefined;) {
      const page = await ask('GET', url + path)
      expect(page.status).to.equal(200)
      most = Math.max(most, Buffer.byteLength(page.text))
      sizes.push(page.json.length)
      found.unshift(...locationsOf(page))
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    }
    return { found, sizes, most }
  }
  const ENDED = `, status, finished_at`

  for (const [what, columns, values, count] of [
    ['results', `${ENDED}, result`, `, 'complete', now(), to_json(repeat('x', ${MIB - 2}))`, 20],
    ['results of three bytes a character', `${ENDED}, result`, `, 'complete', now(), to_json(repeat('€', 349000))`, 20],
    ['errors, which are shown twice', `${ENDED}, error`, `, 'failed', now(), json_build_object('code', 'service_error', 'body', repeat('x', 65536))`, 150], // prettier-ignore
    ['labels', ', labels', `, (select jsonb_object_agg('n' || n, repeat('😀', 256)) || jsonb_build_object('run', i::text) from generate_series(1, 15) n)`, 1_000], // prettier-ignore
  ] as const)
    it(`has at most 8 MiB a page of ${what}, and each task once`, async () => {
      const all = await insert(count, columns, values)
      const { found, sizes, most } = await pages('view=full&limit=1000')
      expect(found).to.deep.equal(all)
      // A page goes on to the task that fills it.
      expect(most).to.be.below(10 * MIB)
      expect(most).to.be.above(7 * MIB)
      expect(sizes.at(-1)).to.be.above(0)
    })

  it('has a large task though it fills a page alone', async () => {
    const text = `to_json(repeat('x', ${MIB - 2}))`
    const [location] = await insert(1, `${ENDED}, result, state`, `, 'complete', now(), ${text}, ${text}`)
    const { json } = await list('view=full')
    expect(json[0]).to.include({ location, result: 'x'.repeat(MIB - 2) })
    expect((await ask('HEAD', `${url}/tasks?view=full`)).status).to.equal(200)
  })

  it('shows tasks in brief, a thousand large ones a page, with what the full view says', async () => {
    const error = `json_build_object('code', 'service_error', 'detail', 'It is "so".', 'status', 500, 'body', repeat('x', 65536))`
    const all = await insert(
      200,
      `${ENDED}, error, labels`,
      `, 'failed', now(), ${error}, '{"a": "b", "run": "r"}'::jsonb`,
    )
    const ids = all.map((location) => location.slice(7)).join(',')
    const page = await list(`ids=${ids}&view=brief`)
    const { json, text } = page
    expect(locationsOf(page)).to.deep.equal(all)
    expect(text.length).to.be.below(200 * 1_000)
    const full = (await ask('GET', `${url}${all.at(-1)}?view=full`)).json
    const { payload: _, state: __, resultOmitted: ___, deadlineAt: ____, unique, callback, error: told, ...rest } = full
    expect([unique, callback]).to.deep.equal([null, null])
    const { body, ...lastError } = told
    expect(body).to.have.length(65_536)
    const brief = { ...rest, lastError }
    expect(json[0]).to.deep.equal(brief)
    expect((await ask('GET', `${url}${all.at(-1)}?view=brief`)).json).to.deep.equal(brief)
    expect((await list('view=long')).status).to.equal(400)
  })

  it('shows ids that are given twice once, and none that are not there', async () => {
    const all = await insert(5, '', '')
    const ids = all.map((location) => location.slice(7))
    expect(locationsOf(await list(`ids=${[...ids, ...ids, 999_999, ids[0]].join(',')}&view=full`))).to.deep.equal(all)
    expect((await list('ids=999999,999998')).json).to.deep.equal([])
    const first = await list(`ids=${ids.join(',')}&limit=3`)
    expect(locationsOf(first)).to.deep.equal(all.slice(2))
    const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await ask('GET', url + next)
    expect([locationsOf(second), second.headers.get('link')]).to.deep.equal([all.slice(0, 2), null])
    for (const odd of [
      '',
      '1,',
      ',1',
      '0',
      '1;2',
      '9223372036854775808',
      Array.from({ length: 1_001 }, () => 1).join(),
    ])
      expect((await list(`ids=${odd}`)).json.code, odd.slice(0, 20)).to.equal('invalid_parameter')
  })

  it('finds errors whatever else they say, several statuses, and the tasks of a schedule', async () => {
    const error = `json_build_object('code', 'service_error', 'detail', 'x')`
    const [odd] = await insert(
      1,
      `${ENDED}, error`,
      `, 'failed', now(), '{"code":"timeout","body":"\\u0000 \\ud800"}'::json`,
    )
    const failed = await insert(3, `${ENDED}, error`, `, 'failed', now(), ${error}`)
    const complete = await insert(2, ENDED, `, 'complete', now()`)
    const [nightly] = await insert(1, ', schedule', `, 'nightly'`)
    // Of a task that goes on it is the last error, not why the task failed.
    await insert(1, `, status, error`, `, 'running', ${error}`)
    expect(locationsOf(await list('error=timeout'))).to.deep.equal([odd])
    expect(locationsOf(await list('error=service_error&service=svc'))).to.deep.equal(failed)
    expect(locationsOf(await list('status=complete,failed'))).to.deep.equal([odd, ...failed, ...complete])
    expect(locationsOf(await list('status=pending'))).to.deep.equal([nightly])
    expect(locationsOf(await list('schedule=nightly'))).to.deep.equal([nightly])
    expect(locationsOf(await list('schedule=nightly&status=failed'))).to.deep.equal([])
    expect((await list('status=pending,running,complete,failed')).json).to.have.length(8)
    expect(locationsOf(await list('retried=true'))).to.deep.equal([])
  })

  it('takes times with any offset and to the ms, and says what is none', async () => {
    const [early] = await insert(1, ', created_at', `, '2026-01-02T03:04:05.678Z'`)
    const [late] = await insert(1, ', created_at', `, '2026-01-02T03:04:05.679Z'`)
    const both = [early, late]
    for (const [query, found] of [
      ['createdAfter=2026-01-02T03:04:05.678Z', [late]],
      ['createdAfter=2026-01-02T04:04:05.677%2B01:00', both],
      ['createdBefore=2026-01-01T21:34:05.679-05:30', [early]],
      ['createdAfter=2026-01-02T03:04:05Z&createdBefore=2026-01-02T03:04:06Z', both],
      ['createdAfter=2026-01-02T03:04:06Z', []],
      ['createdBefore=9999-12-31T23:59:59Z', both],
    ] as const)
      expect(locationsOf(await list(query)), query).to.deep.equal(found)
    for (const odd of [
      '2026-01-02',
      '2026-01-02T03:04:05',
      '2026-13-01T00:00:00Z',
      '0000-01-01T00:00:00Z',
      '2026-01-01T00:00:00%2B16:00',
      '1',
      'now',
    ])
      // prettier-ignore
      expect((await list(`createdAfter=${odd}`)).status, odd).to.be.oneOf(odd.endsWith('16:00') ? [200, 400] : [400])
  })

  it('takes any label that a task may have, and refuses what none has', async () => {
    const labels = { 'a.b_c-9': 'x=y&z,%  €😀', empty: '', __proto__x: '1' }
    const { location } = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', labels })
    await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', labels: { empty: 'no' } })
    for (const [name, value] of Object.entries(labels))
      expect(locationsOf(await list(`label.${name}=${encodeURIComponent(value)}`)), name).to.deep.equal([location])
    for (const query of [
      'label.a=%00',
      'label.a=x%00y',
      'label.=1',
      `label.a=${'x'.repeat(513)}`,
      'label.a=1&label.a=2',
    ])
      expect((await list(query)).json.code, query.slice(0, 20)).to.equal('invalid_parameter')
    expect((await list('label.__proto__=1')).json).to.deep.equal([])
    expect((await list(`label.a=${encodeURIComponent('\ufffd'.repeat(256))}`)).json).to.deep.equal([])
  })
})
