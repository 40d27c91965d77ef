// Outages of Postgres under a running node: cut, silent and back, again and again; every task ends, and steps only go up.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { eventually } from '../support/eventually.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

describe('an outage of Postgres', () => {
  let world: World
  let node: RunningNode
  let proxy: TcpProxy
  before(async () => {
    world = await openWorld()
    proxy = new TcpProxy()
    const through = new URL(world.databaseUrl)
    await proxy.listen(Number(through.port || 5432))
    through.host = `127.0.0.1:${proxy.port}`
    node = await world.node({ databaseUrl: through.href })
  })
  after(async () => {
    await world.close()
    await proxy.close()
  })

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  /** The steps of a task in the order in which they were sent: each may be repeated, none goes back. */
  const climbs = (location: string): boolean => {
    const steps = world.service.of(location).map(({ step }) => step)
    return steps.every((step, i) => i === 0 || step === steps[i - 1] || step === (steps[i - 1] ?? 0) + 1)
  }

  it('loses no task and repeats no recorded step, however often connections break', async () => {
    world.service.pace = 5
    const locations = await Promise.all(Array.from({ length: 60 }, () => post(node.url, 'steps.12')))
    for (let cut = 0; cut < 4; cut += 1) {
      await sleep(60)
      if (cut % 2 === 0) proxy.holdAnswers()
      await sleep(20)
      await proxy.close()
      await sleep(50)
      await proxy.listen(proxy.target)
    }
    for (const location of locations) {
      expect(await ended(node.url, location)).to.deep.include({ status: 'complete', step: 12, result: { at: 13 } })
      expect(
        climbs(location),
        world.service
          .of(location)
          .map(({ step }) => step)
          .join(),
      ).to.equal(true)
    }
    world.service.pace = 0
  })

  it('is answered by 503 meanwhile, and over when Postgres is back', async () => {
    await proxy.close()
    // A statement on a connection whose end has not been noticed yet would be looked for during 5 s.
    await sleep(100)
    const body = '{"service":"svc","action":"ok"}'
    const headers = { 'content-type': 'application/json' }
    const refused = await eventually(async () => {
      const response = await fetch(`${node.url}/tasks`, { method: 'POST', headers, body, redirect: 'manual' })
      expect(response.status).to.equal(503)
      const problem = (await response.json()) as { code: string }
      expect(problem.code).to.equal('unavailable')
      return response
    })
    expect(refused.headers.get('retry-after')).to.match(/^\d+$/)
    expect((await fetch(`${node.url}/tasks/1`)).status).to.equal(503)
    expect((await fetch(`${node.url}/readyz`)).status).to.equal(503)
    expect((await fetch(`${node.url}/livez`)).status).to.equal(200)
    await proxy.listen(proxy.target)
    await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200))
    const location = await eventually(() => post(node.url, 'ok'))
    expect(await ended(node.url, location)).to.include({ status: 'complete' })
  })

  it('that is silence sends no step whose predecessor is not committed, before and after trust runs out, and costs no crash when it ends', async () => {
    const location = await post(node.url, 'ever.10')
    await world.service.until(() => world.service.of(location).length > 3)
    proxy.silence()
    const atMost = world.service.of(location).length + 1 // the commit of one step may have come through
    // Trust is 0.8 s here.
    await sleep(900)
    const counted = world.service.of(location).length
    expect(counted).to.be.at.most(atMost)
    const late = await Promise.race([post(node.url, 'ok').catch(() => 'refused'), sleep(300).then(() => 'silence')])
    expect(late).to.equal('silence')
    expect(world.service.of(location)).to.have.length(counted)
    proxy.thaw()
    await eventually(() => expect(world.service.of(location).length).to.be.above(counted + 5))
    expect(climbs(location)).to.equal(true)
    const id = location.slice('/tasks/'.length)
    expect(await world.sql('select crashes, status from tasks where id = $1', [id])).to.deep.equal([
      { crashes: 0, status: 'running' },
    ])
    await world.sql('delete from tasks')
  })
})
