// Why a task is not running, where its service is paused, gated or limited: read from Postgres over HTTP.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { openWorld, type World } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

interface Reason {
  readonly code: string
  readonly detail: string
  readonly until: string | null
}

describe('an explanation of a task whose service is held back', () => {
  let world: World
  let url: string
  let location: string
  before(async () => {
    world = await openWorld()
    // No node runs its tasks, and this one knows its limit.
    url = (await world.node({ slots: 0, services: { svc: { limit: { concurrency: 2, rate: '10/s', burst: 3 } } } })).url
    await world.sql(`insert into nodes (id, name, services, lease_until) values ($1, 'a:1', '{svc}', now() + interval '1 hour')`, [randomUUID()]) // prettier-ignore
    location = `/tasks/${(await insert(1))[0] ?? ''}`
  })
  after(() => world.close())
  afterEach(() => world.sql('delete from service_state'))

  const insert = async (count: number, more = '', values = ''): Promise<string[]> => {
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes${more}) select gen_random_uuid(), 'svc', 'ok', '{}', 2${values}
       from generate_series(1, ${count}) returning id`,
    )
    return rows.map(({ id }) => id)
  }
  const reasons = async (): Promise<Reason[]> => (await ask('GET', `${url}${location}/explain`)).json.reasons
  const byCode = async (): Promise<Record<string, Reason>> =>
    Object.fromEntries((await reasons()).map((reason) => [reason.code, reason]))

  it('says who has paused it, and why, and no more once it is resumed', async () => {
    await ask('POST', `${url}/services/svc/pause`, { reason: 'the bank is away' })
    expect((await byCode()).paused?.detail).to.match(/^Paused by api since 20\S+Z: the bank is away$/)
    await ask('POST', `${url}/services/svc/resume`)
    expect(await byCode()).to.not.have.property('paused')
  })

  it('says which answer has stopped it, and until when', async () => {
    const gate = (shift: string): Promise<{ at: Date }[]> =>
      world.sql(
        `insert into service_state as s (service, gated_until, gated_by) values ('svc', date_trunc('second', now()) + $1::interval, '503, Retry-After: 60')
         on conflict (service) do update set gated_until = excluded.gated_until returning gated_until as at`,
        [shift],
      )
    const [row] = await gate('1 minute')
    expect((await byCode()).gated).to.deep.equal({
      code: 'gated',
      detail: 'Stopped by an answer: 503, Retry-After: 60.',
      until: row?.at.toISOString(),
    })
    await gate('-1 minute')
    expect((await byCode()).gated).to.deep.include({ until: null })
  })

  it('says where all requests are open that the limit over all nodes allows', async () => {
    const node = `'${randomUUID()}'`
    await world.sql(`insert into nodes (id, name, services, lease_until) values (${node}, 'b:1', '{}', now())`)
    const granted = (owner: string, values: string): Promise<string[]> =>
      insert(1, ', node, status, granted', `, ${owner}, ${values}`)
    await granted(node, `'running', false`)
    await granted(node, `'running', null`)
    await granted('null', `'running', true`)
    await granted(node, `'running', true`)
    expect((await byCode()).service_full?.detail ?? '').to.not.include('over all nodes')
    await granted('gen_random_uuid()', `'running', true`)
    const full = (await reasons()).filter(({ detail }) => detail.includes('over all nodes'))
    expect(full.map(({ code }) => code)).to.deep.equal(['service_full'])
    expect(full[0]?.detail)
      .to.match(/^2 of 2 requests open/)
      .and.to.include('b:1: 1')
      .and.to.include('without a name: 1')
    await ask('PATCH', `${url}/services/svc`, { limit: { concurrency: 3 } })
    expect((await reasons()).map(({ detail }) => detail).join()).to.not.include('over all nodes')
    await world.sql(`delete from tasks where granted is not null or node = ${node}`)
  })

  it('says that the rate is used up, and until when', async () => {
    await world.sql(`insert into service_state (service, paid_until) values ('svc', now() + interval '1 hour')`)
    const { rate_limited: limited } = await byCode()
    expect(limited?.detail).to.equal('The rate of 10/s is used up.')
    // More than a burst is not owed: the next of three requests, 100 ms apart, begins in 100 ms.
    expect(Math.abs(Date.parse(limited?.until ?? '') - Date.now())).to.be.at.most(5_000)
    await ask('PATCH', `${url}/services/svc`, { limit: { concurrency: 9 } })
    expect(await byCode()).to.not.have.property('rate_limited')
  })
})
