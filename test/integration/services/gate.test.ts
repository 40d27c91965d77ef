// Gates and pauses of a service's own making: an answer asks all nodes for rest, and failures in a row end in a pause.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'chai'
import { beats } from '../../support/beats.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, show, type World } from '../../support/world.ts'

describe('a gate', () => {
  let world: World
  beforeEach(async () => void (world = await openWorld()))
  afterEach(() => world.close())

  type Answer = (response: ServerResponse, n: number, request: IncomingMessage) => void
  /** A service whose answers a test changes. */
  const serving = async (first: Answer) => {
    const seen = { answer: first, begun: [] as number[], open: 0, most: 0 }
    const url = await world.serve((request, response) => {
      seen.begun.push(performance.now())
      seen.open += 1
      seen.most = Math.max(seen.most, seen.open)
      response.on('close', () => (seen.open -= 1))
      seen.answer(response, seen.begun.length, request)
    })
    return { seen, url }
  }
  const rest: Answer = (response) => void response.writeHead(503, { 'retry-after': '2' }).end('{}')
  const well: Answer = (response) => void response.writeHead(200).end('{}')

  it('keeps all nodes from the service for as long as it asks, and no try counts', async () => {
    const { seen, url } = await serving(rest)
    const services = { svc: { url, gate: true, retry: { attempts: 1, backoff: 10, maxBackoff: 10 } } }
    const nodes = [await world.node({ services }), await world.node({ services })]
    const first = await post(nodes[0]?.url ?? '', 'go')
    await eventually(() => expect(seen.begun).to.have.length(1))
    const closed = performance.now()
    await eventually(async () => {
      const [row] = await world.sql<{ gated: boolean }>('select gated_until > now() as gated from service_state')
      expect(row?.gated).to.equal(true)
    })
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => post(nodes[i % 2]?.url ?? '', 'go')))
    // Behind the gate one request goes alone: it is held, and nothing begins beside it.
    const held: ServerResponse[] = []
    seen.answer = (response) => void held.push(response)
    await eventually(() => expect(held).to.have.length(1))
    expect((seen.begun.at(-1) ?? 0) - closed).to.be.greaterThan(1_900)
    await beats(world, 2)
    expect([held.length, seen.begun.length]).to.deep.equal([1, 2])
    // It asks for rest once more.
    rest(held.pop() as ServerResponse, 0, {} as IncomingMessage)
    await eventually(() => expect(held).to.have.length(1))
    expect(seen.begun).to.have.length(3)
    seen.answer = well
    well(held.pop() as ServerResponse, 0, {} as IncomingMessage)
    for (const location of [first, ...others])
      expect((await ended(nodes[1]?.url ?? '', location)).status).to.equal('complete')
    const [state] = await world.sql<{ gated_until: unknown }>('select gated_until from service_state')
    expect(state?.gated_until).to.equal(null)
  })

  it('is not closed by a service that did not ask for one', async () => {
    const { seen, url } = await serving(rest)
    const node = await world.node({ services: { svc: { url } } })
    const first = await post(node.url, 'go')
    await eventually(() => expect(seen.begun).to.have.length(1))
    seen.answer = well
    expect((await ended(node.url, await post(node.url, 'go'))).status).to.equal('complete')
    expect((await show(node.url, first))?.status).to.equal('running')
    expect(await world.sql('select * from service_state')).to.have.length(0)
  })

  it('of failures in a row is a pause, which one complete task puts off', async () => {
    const { seen, url } = await serving((response) => void response.writeHead(500).end('"broken"'))
    const services = { svc: { url, pauseAfter: 6 } }
    const nodes = [await world.node({ services }), await world.node({ services })]
    const fails = async (count: number): Promise<void> => {
      const locations = await Promise.all(Array.from({ length: count }, (_, i) => post(nodes[i % 2]?.url ?? '', 'go')))
      for (const location of locations) await ended(nodes[0]?.url ?? '', location)
    }
    const inRow = async (count: number): Promise<void> =>
      eventually(async () => {
        const [row] = await world.sql<{ n: number }>('select failed_in_row as n from service_state')
        expect(row?.n ?? 0).to.equal(count)
      })
    await fails(5)
    await inRow(5)
    seen.answer = well
    await ended(nodes[1]?.url ?? '', await post(nodes[1]?.url ?? '', 'go'))
    await inRow(0)
    seen.answer = (response) => void response.writeHead(500).end('"broken"')
    await fails(5)
    await inRow(5)
    await fails(1)
    await eventually(async () => {
      const [row] = await world.sql<{ by: string; why: string }>(
        'select paused_by as by, pause_reason as why from service_state where paused_at is not null',
      )
      expect([row?.by, row?.why]).to.deep.equal(['task_api', 'The service answered 500.'])
    })
    // Both nodes have heard of it.
    await beats(world, 2)
    const begun = seen.begun.length
    await post(nodes[0]?.url ?? '', 'go')
    await beats(world, 2)
    expect(seen.begun).to.have.length(begun)
  })
})
