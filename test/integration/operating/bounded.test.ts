// What a key that is for some services only is told of nodes and of what tasks came to.
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

describe('a key with `services`, which asks of figures,', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const keys = [aKey('all'), aKey('bound', { services: ['mine'] })]
    url = (await world.node({ services: { mine: {}, other: {} }, keys })).url
    await world.sql(`insert into minutes (minute, service, node, created, complete, failed)
      select date_trunc('minute', now()), service, gen_random_uuid(), 1, 1, 0 from unnest(array['mine', 'other']) service`)
  })
  after(() => world.close())

  const by = (name: string, path: string): Promise<Told> => ask('GET', `${url}${path}`, undefined, as(name))
  const named = async (name: string, path: string, member: string): Promise<unknown[]> =>
    ((await by(name, path)).json as Record<string, unknown>[]).map((one) => one[member])

  it('is shown the minutes of its services alone', async () => {
    expect(await named('all', '/stats', 'service')).to.have.members(['mine', 'other'])
    expect(await named('bound', '/stats', 'service')).to.deep.equal(['mine'])
    expect(await by('bound', '/stats?service=other')).to.include({ status: 403 })
  })

  it('is shown what nodes know of its services alone', async () => {
    expect(await named('all', '/nodes', 'services')).to.deep.equal([['mine', 'other']])
    expect(await named('bound', '/nodes', 'services')).to.deep.equal([['mine']])
  })

  it('is refused the metrics, which are of all services', async () => {
    expect((await by('all', '/metrics')).status).to.equal(200)
    const { status, json } = await by('bound', '/metrics')
    expect([status, (json as { code: string }).code]).to.deep.equal([403, 'not_allowed'])
  })
})
