// A primary of Postgres is lost, and its synchronous standby takes over: for a node that knows both, and one whose address moves.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { postOne } from '../support/load.ts'
import { PostgresPair } from '../support/postgres-pair.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { type Doors, through } from './postgres.ts'

/** Nodes work again this long after the promotion, ms. */
const BACK = 5_000
/** What nodes had in hand has ended so long after it, ms. */
const ENDS = 20_000
/** No node is left at a server that takes no writes, or whose commits hang, after so long, ms. */
const LEFT = 15_000

interface Pair extends Doors {
  readonly pair: PostgresPair
  /** The address that moves. */
  readonly door: TcpProxy
}

async function openPair(): Promise<Pair> {
  const pair = await PostgresPair.open({ synchronous: true })
  const door = new TcpProxy()
  await door.listen(pair.a.port)
  return {
    pair,
    door,
    urls: [pair.url, pair.a.url.replace(`:${pair.a.port}/`, `:${door.port}/`)],
    truth: pair.b.url,
    close: async () => {
      await door.close()
      await pair.close()
    },
  }
}

const isLeft = ({ pair }: Pair): Promise<unknown> =>
  eventually(async () => expect(await pair.a.used(), 'connections to the old primary').to.equal(0), LEFT)

/** The primary and all of its backends are killed. */
export async function primaryKilled(): Promise<void> {
  const outage = async ({ pair, door }: Pair): Promise<void> => {
    await pair.a.kill()
    await door.close()
    await pair.promote()
    await door.listen(pair.b.port)
  }
  await through(openPair, outage, { back: BACK, ends: ENDS })
}

/** The primary freezes, and goes on after the promotion: its commits wait for a standby for ever. */
export async function primaryWakes(): Promise<void> {
  const outage = async (at: Pair): Promise<void> => {
    at.pair.a.signal('SIGSTOP')
    await at.pair.promote()
    // Connections that are open stay with the old primary.
    at.door.target = at.pair.b.port
    at.pair.a.signal('SIGCONT')
    await isLeft(at)
  }
  await through(openPair, outage, { back: BACK, ends: ENDS })
}

/** The old primary comes back as a server that can only be read, at the address that moves. */
export async function primaryReadOnly(): Promise<void> {
  const outage = async (at: Pair, urls: readonly string[]): Promise<void> => {
    const { pair, door } = at
    await pair.a.kill()
    await pair.promote()
    await pair.a.standsBy()
    await pair.a.start()
    await pair.b.ask(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'task_api'`)
    const ready = async (url: string | undefined): Promise<number> => (await fetch(`${url}/readyz`)).status
    await eventually(async () => expect([await ready(urls[0]), await ready(urls[1])]).to.deep.equal([200, 503]), LEFT)
    await door.close()
    await door.listen(pair.b.port)
    await isLeft(at)
    await eventually(async () => expect(await ready(urls[1])).to.equal(200), LEFT)
  }
  await through(openPair, outage, { back: BACK, ends: ENDS, repeats: Infinity })
}

/** More than the 32 ids that Postgres' log knows ahead. */
const LOST = 60

/** An asynchronous standby is promoted that has not got the last commits: their tasks are lost, and their ids given out again. */
export async function commitsLost(): Promise<void> {
  const pair = await PostgresPair.open({ synchronous: false })
  const agent = new Agent({ keepAlive: true })
  const lose = async (fleet: Fleet): Promise<void> => {
    const { service } = fleet
    const node = await fleet.start('a', { DATABASE_URL: pair.url })
    const post = async (action: string): Promise<string> => {
      const { status, headers, body } = await postOne(agent, node.url, action)
      expect(status, body).to.equal(302)
      return headers.location ?? ''
    }
    const kept = await post('ok')
    await eventually(async () => expect(await fleet.sql('select from tasks')).to.have.length(1))
    pair.cut()
    const lost = await Promise.all(Array.from({ length: LOST }, () => post('hang')))
    await service.until(() => lost.every((path) => service.of(path).length === 1))
    const old = new Map(lost.map((path) => [path, service.of(path)[0]]))
    await pair.a.kill()
    await pair.promote()
    await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200), BACK)

    const posted = await Promise.all(Array.from({ length: 2 * LOST }, () => post('ok')))
    await eventually(async () => expect(await fleet.unended()).to.equal(0))
    const again = posted.filter((path) => old.has(path))
    expect(again, 'ids that were given out again').not.to.deep.equal([])
    expect(posted).not.to.include(kept)
    // What ran of a lost task is stopped, and has written nothing into the row that has its id now.
    await service.until(() => [...old.values()].every((seen) => seen?.aborted === true))
    const rows = await fleet.sql<{ id: string; result: unknown; steps: number }>('select id, status, result from tasks')
    expect(rows.filter(({ result }) => JSON.stringify(result) !== '{"ok":true}')).to.deep.equal([])
    for (const path of again) {
      const [before, ...own] = service.of(path)
      expect(own).to.have.length(1)
      expect(own[0]?.key).not.to.equal(before?.key)
    }
    const gone = lost.find((path) => !again.includes(path))
    if (gone !== undefined) expect((await fetch(`${node.url}${gone}`)).status).to.equal(404)
    // What docs/operations.md says: no id is given out twice.
    await pair.b.ask(AHEAD)
    const ids = [...lost, ...posted].map((path) => Number(path.replace('/tasks/', '')))
    expect(Number((await post('ok')).replace('/tasks/', ''))).to.be.above(Math.max(...ids) + 1_000)
  }
  try {
    await Fleet.during(lose, { databaseUrl: pair.b.url })
  } finally {
    agent.destroy()
    await pair.close()
  }
}

/** The statement of docs/operations.md. */
const AHEAD = `select setval(pg_get_serial_sequence('tasks', 'id'), nextval(pg_get_serial_sequence('tasks', 'id')) + 1000000)`
