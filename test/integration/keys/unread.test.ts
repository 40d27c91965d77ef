// Keys without `read`: whatever they create, find or change, no answer shows more of it than where it is.
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

/** What no answer may show: it stands in the payload of a task, in its result and in the reason of a pause. */
const HIDDEN = 'hidden'

describe('a key without `read`', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const keys = [
      aKey('ann'),
      aKey('poster', { scopes: ['submit'] }),
      aKey('canceller', { scopes: ['cancel'] }),
      aKey('operator', { scopes: ['submit', 'operate'] }),
    ]
    url = (await world.node({ keys })).url
  })
  after(() => world.close())

  const by = (name: string, method: string, path: string, body?: unknown, more = {}): Promise<Told> =>
    ask(method, `${url}${path}`, body, { ...as(name), ...more })
  const task = { service: 'svc', action: 'ok', payload: { text: HIDDEN } }
  const schedule = { cron: '0 3 1 1 *', task }
  /** A task of another caller: its location. */
  const submitted = async (more: object = {}): Promise<string> =>
    (await by('ann', 'POST', '/tasks', { ...task, ...more })).location
  const isBare = ({ status, json, text }: Told, wanted: number, location: string): void => {
    expect([status, json], text).to.deep.equal([wanted, { location }])
  }

  it('is told where its task is, and waits for nothing', async () => {
    for (const headers of [{}, { prefer: 'wait=30' }, { prefer: 'return=representation, wait=30' }])
      for (const path of ['/tasks', '/tasks?wait=30s']) {
        const told = await by('poster', 'POST', path, { ...task, delay: '1h' }, headers)
        isBare(told, 'prefer' in headers && headers.prefer.startsWith('return') ? 201 : 302, told.location)
        expect(told.headers.get('preference-applied') ?? '').not.to.contain('wait')
      }
  })

  it("is not shown another's task by `unique`", async () => {
    const location = await submitted({ unique: 'one', delay: '1h' })
    const told = await by('poster', 'POST', '/tasks', { service: 'svc', action: 'ok', unique: 'one' })
    isBare(told, 302, location)
    expect(told.headers.get('task-existing')).to.equal('true')
  })

  it("is not shown another's task by a retry, nor its result", async () => {
    const location = await submitted()
    expect((await by('ann', 'GET', `${location}?wait=30s`)).json.status).to.equal('complete')
    const first = await by('poster', 'POST', `${location}/retry`, undefined, { prefer: 'wait=30' })
    isBare(first, 302, first.location)
    isBare(await by('poster', 'POST', `${location}/retry`, { from: 'start' }), 302, first.location)
  })

  it('is not shown what it cancels or changes', async () => {
    const location = await submitted({ delay: '1h' })
    isBare(await by('canceller', 'PATCH', `${location}?view=full`, { delay: '2h' }), 200, location)
    isBare(await by('canceller', 'POST', `${location}/cancel?view=full`), 200, location)
    expect((await by('ann', 'GET', location)).json.error.code).to.equal('cancelled')
  })

  it('is not shown the schedules and services that it operates', async () => {
    expect((await by('ann', 'PUT', '/schedules/s', schedule)).status).to.equal(201)
    for (const verb of ['pause', 'resume'])
      isBare(await by('operator', 'POST', `/schedules/s/${verb}`), 200, '/schedules/s')
    isBare(await by('operator', 'PUT', '/schedules/s', schedule), 200, '/schedules/s')
    const run = await by('operator', 'POST', '/schedules/s/run')
    isBare(run, 302, run.location)
    for (const [method, rest, body] of [
      ['POST', '/pause', { reason: HIDDEN }],
      ['POST', '/resume', undefined],
      ['PATCH', '', { limit: null }],
    ] as const)
      isBare(await by('operator', method, `/services/svc${rest}`, body), 200, '/services/svc')
  })
})
