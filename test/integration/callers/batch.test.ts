// A batch: all tasks of one request, or none.
import { expect } from 'chai'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const MIB = 1024 * 1024

describe('a batch', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
  })
  after(() => world.close())

  const TASK = { service: 'svc', action: 'echo' }
  const post = (body: unknown): Promise<Told> => ask('POST', `${url}/tasks/batch`, body)
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)

  it('creates its tasks in order, each with its options, byte for byte', async () => {
    const { status, json } = await post(
      '[{"service":"svc","action":"echo","payload":{"n":  1}}, {"service":"svc","action":"echo","unique":"u"},{"action":"echo","service":"svc","unique":"u"}]',
    )
    expect(status).to.equal(201)
    expect(json).to.have.length(3)
    expect(json[0]).to.have.all.keys('location')
    expect(json[2]).to.deep.equal({ location: json[1].location, existing: true })
    expect(await ended(url, json[0].location)).to.include({ status: 'complete' })
    expect(String(world.service.of(json[0].location)[0]?.body)).to.equal('{"n":  1}')
  })

  it('has at most 1,000 tasks and 8 MiB, and at least one', async () => {
    expect((await post(Array.from({ length: 1_000 }, () => TASK))).json).to.have.length(1_000)
    const before = await count()
    for (const body of [[], Array.from({ length: 1_001 }, () => TASK), TASK]) {
      const { status, json } = await post(body)
      expect([status, json.code, json.errors[0].pointer]).to.deep.equal([400, 'invalid_task', ''])
    }
    const large = { ...TASK, payload: 'x'.repeat(MIB - 100) }
    expect((await post(Array.from({ length: 7 }, () => large))).status).to.equal(201)
    expect((await post(Array.from({ length: 9 }, () => large))).status).to.equal(413)
    expect(await count()).to.equal(before + 7)
  })

  it('with a fault creates nothing, and names each fault', async () => {
    const before = await count()
    const tasks: unknown[] = Array.from({ length: 20 }, () => TASK)
    tasks[17] = { ...TASK, service: 'nobody' }
    const one = await post(tasks)
    expect([one.status, one.json.code]).to.deep.equal([400, 'unknown_service'])
    expect(one.json.errors.map(({ pointer }: { pointer: string }) => pointer)).to.deep.equal(['/17/service'])
    tasks[3] = 'a task'
    tasks[5] = { ...TASK, labels: { 'a/b': '' }, delay: 'x' }
    tasks[6] = { ...TASK, payload: 'x'.repeat(MIB) }
    const { json } = await post(tasks)
    expect(json.code).to.equal('invalid_task')
    expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).to.deep.equal([
      '/3',
      '/5/labels/a~1b',
      '/5/delay',
      '/6',
      '/17/service',
    ])
    expect((await post(Array.from({ length: 500 }, () => ({})))).json.errors).to.have.length(100)
    expect(await count()).to.equal(before)
  })
})
