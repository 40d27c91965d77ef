// The list by all its filters, in full, and of ids.
import { expect } from 'chai'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('the list', () => {
  let world: World
  let url: string
  let early: string[]
  let late: string[]
  let between: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, other: {} } })).url
    const batch = async (tasks: readonly unknown[]): Promise<string[]> =>
      (await ask('POST', `${url}/tasks/batch`, tasks)).json.map(({ location }: { location: string }) => location)
    early = await batch([
      { service: 'svc', action: 'ok', labels: { run: '1', who: 'a' } },
      { service: 'svc', action: 'fail', labels: { run: '1', who: 'b' } },
      { service: 'other', action: 'ok', labels: { run: '2' } },
    ])
    for (const location of early) await ended(url, location)
    const [row] = await world.sql<{ now: string }>(
      `select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`,
    )
    between = row?.now ?? ''
    late = await batch([
      { service: 'svc', action: 'ok', delay: '1h', labels: { run: '1', who: 'a' } },
      { service: 'other', action: 'ok', delay: '1h' },
    ])
  })
  after(() => world.close())

  const list = (query: string): Promise<Told> => ask('GET', `${url}/tasks?${query}`)
  const found = async (query: string): Promise<string[]> =>
    (await list(query)).json.map(({ location }: { location: string }) => location).toReversed()

  it('filters by labels, one or several', async () => {
    expect(await found('label.run=1')).to.deep.equal([early[0], early[1], late[0]])
    expect(await found('label.run=1&label.who=a')).to.deep.equal([early[0], late[0]])
    expect(await found('label.run=1&service=other')).to.deep.equal([])
    expect(await found('label.run=3')).to.deep.equal([])
  })

  it('filters by several statuses, times, errors and retries', async () => {
    expect(await found('status=complete,failed')).to.deep.equal(early)
    expect(await found(`createdAfter=${between}`)).to.deep.equal(late)
    expect(await found(`createdBefore=${between}&status=complete`)).to.deep.equal([early[0], early[2]])
    expect(await found('error=service_error')).to.deep.equal([early[1]])
    expect(await found('error=timeout')).to.deep.equal([])
    const { location } = await ask('POST', `${url}${early[1]}/retry`, { delay: '1h' })
    expect(await found('retried=true')).to.deep.equal([early[1]])
    expect(await found('retried=false')).to.have.length(5)
    await ask('DELETE', `${url}${location}`)
  })

  it('shows a thousand ids at once, those that are there, and all of each', async () => {
    const ids = [...early, ...late].map((location) => location.slice(7))
    const many = [...ids, ...Array.from({ length: 1_000 - ids.length }, (_, i) => 900_000 + i)].join(',')
    const { json } = await list(`ids=${many}&view=full`)
    expect(json).to.have.length(5)
    expect(json[0]).to.include({ status: 'pending', priority: 'normal' })
    expect(json[4].result).to.deep.equal({ ok: true })
    expect(await found(`ids=${ids.join(',')}&status=failed`)).to.deep.equal([early[1]])
    expect((await list(`ids=${many},1`)).status).to.equal(400)
  })

  it('leads on by the same filters', async () => {
    const first = await list('label.run=1&limit=2&view=full')
    expect(first.json).to.have.length(2)
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await ask('GET', `${url}${next}`)
    expect(second.json.map(({ location }: { location: string }) => location)).to.deep.equal([early[0]])
    expect(second.headers.get('link')).to.equal(null)
  })

  for (const query of [
    'status=complete,none',
    'status=failed,failed',
    'ids=1,x',
    'createdAfter=now',
    'retried=yes',
    'error=none',
    'label=x',
    'label.a%20b=1',
    'view=half',
  ])
    it(`refuses ${query}`, async () => {
      const { status, json } = await list(query)
      expect([status, json.code]).to.deep.equal([400, 'invalid_parameter'])
      expect(json.errors).to.have.length(1)
    })
})
