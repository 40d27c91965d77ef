// How a node starts: with faults in its configuration, without its Postgres, and beside others.
import { expect } from 'chai'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Agent } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { call, postLoad, postOne, verify } from '../support/load.ts'
import { NodeProcess } from '../support/node.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { together } from '../support/together.ts'

const agent = (): Agent => new Agent()

/** Opens a fleet whose Postgres is behind a closed door; `open` opens it. */
async function behindClosedDoor(run: (fleet: Fleet, open: () => Promise<void>) => Promise<void>): Promise<void> {
  const database = await createDatabase()
  const url = new URL(database.url)
  const target = Number(url.port)
  const proxy = new TcpProxy()
  await proxy.listen(target)
  await proxy.close()
  url.port = String(proxy.port)
  try {
    await Fleet.during((fleet) => run(fleet, () => proxy.listen(target)), { databaseUrl: url.href })
  } finally {
    await proxy.close()
    await database.drop()
  }
}

const withoutPostgres = (): Promise<void> =>
  behindClosedDoor(async (fleet, open) => {
    const node = await fleet.spawn('a')
    await node.logged('listening')
    const get = async (path: string): Promise<number> => (await call(agent(), 'GET', node.url + path)).status
    expect([await get('/livez'), await get('/readyz'), await get('/tasks')]).to.deep.equal([200, 503, 503])
    const refused = await postOne(agent(), node.url, 'ok')
    expect([refused.status, JSON.parse(refused.body).code]).to.deep.equal([503, 'unavailable'])
    expect(Number(refused.headers['retry-after'])).to.be.above(0)
    await node.logged('postgres cannot be reached; trying on')

    await open()
    await node.logged('postgres answers')
    await eventually(async () => expect(await get('/readyz')).to.equal(200))
    const posted = await postLoad([node.url], 30)
    await eventually(async () => expect(await fleet.unended()).to.equal(0))
    expect((await verify(fleet, posted)).repeats).to.equal(0)
    node.kill('SIGTERM')
    expect(await node.exited).to.equal(0)
  })

const stoppedWhileWaiting = (): Promise<void> =>
  behindClosedDoor(async (fleet) => {
    const node = await fleet.spawn('a')
    await node.logged('listening')
    const signalled = performance.now()
    node.kill('SIGTERM')
    expect(await node.exited).to.equal(0)
    expect(performance.now() - signalled).to.be.below(10_000)
  })

/** A Postgres that accepts connections and says nothing. */
async function stoppedBeforeSilence(): Promise<void> {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const node = await NodeProcess.start({ DATABASE_URL: `postgres://me@127.0.0.1:${port}/db` })
  try {
    expect((await call(agent(), 'GET', `${node.url}/livez`)).status).to.equal(200)
    const signalled = performance.now()
    node.kill('SIGTERM')
    expect(await node.exited).to.equal(0)
    expect(performance.now() - signalled).to.be.below(10_000)
  } finally {
    await node.dispose()
    silent.close()
  }
}

async function threeAtOnce(): Promise<void> {
  const database = await createDatabase()
  try {
    await Fleet.during(migratedByThree, { databaseUrl: database.url })
  } finally {
    await database.drop()
  }
}

async function migratedByThree(fleet: Fleet): Promise<void> {
  const nodes = await Promise.all(['a', 'b', 'c'].map((name) => fleet.start(name)))
  for (const node of nodes) expect(node.errors).to.deep.equal([])
  const rows = await fleet.sql('select from task_api_migrations')
  expect(rows.length).to.be.above(0)
  await eventually(async () => expect(await fleet.sql('select from nodes where lease_until > now()')).to.have.length(3))
  const posted = await postLoad(
    nodes.map(({ url }) => url),
    90,
  )
  await eventually(async () => expect(await fleet.unended()).to.equal(0))
  expect((await verify(fleet, posted)).repeats).to.equal(0)
}

/** Runs a node that must not start; what it said. */
async function refusal(...setup: Parameters<typeof NodeProcess.spawn>): Promise<string> {
  const node = await NodeProcess.spawn(...setup)
  try {
    expect(await node.exited).to.equal(78)
    expect(node.lines, 'lines of the log').to.deep.equal([])
    return node.stderr
  } finally {
    await node.dispose()
  }
}

async function faults(): Promise<void> {
  const env = { PORT: 'eighty', DRAIN_TIMEOUT: '10 parsecs', DATABASE_URL: 'mysql://me:secret@there/db', SLOTS: '0' }
  const services = {
    billing: { url: 'ftp://billing', timout: '1s', retry: { attempts: -1 } },
    'no name': { url: 'http://b' },
  }
  const said = await refusal(env, services)
  const named = ['PORT', 'DRAIN_TIMEOUT', 'DATABASE_URL', 'SLOTS', 'billing.url', 'timout', 'attempts', 'no name']
  for (const name of named) expect(said).to.include(name)
  expect(said).not.to.include('secret')
  expect(await refusal({}, {})).to.include('at least one service')
  expect(await refusal({ TASK_API_CONFIG: '/nowhere/task_api.yaml' })).to.include('/nowhere/task_api.yaml')
}

/** The data folder would be made first of all. */
async function taken(): Promise<void> {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const dataDir = join(tmpdir(), `task_api-none-${randomUUID()}`)
  const node = await NodeProcess.spawn({ PORT: String(port), DATA_DIR: dataDir })
  try {
    expect([await node.exited, node.lines]).to.deep.equal([1, []])
    expect(node.stderr).to.include(`Cannot listen on 127.0.0.1:${port}: something else listens there already`)
    expect(existsSync(dataDir), 'a data folder').to.equal(false)
  } finally {
    await node.dispose()
    other.close()
  }
}

const openToOthers = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const warned = 'the API can be reached from other machines, and has no authentication'
    const open = await fleet.start('a', { HOST: '0.0.0.0' })
    expect(open.lines.find(({ msg }) => msg === warned)).to.include({ level: 40, host: '0.0.0.0' })
    const closed = await fleet.start('b')
    expect(closed.lines.some(({ msg }) => msg === warned)).to.equal(false)
  })

describe('a node that starts', () => {
  together(
    {
      'waits for its Postgres, alive and unready, and works once that answers': withoutPostgres,
      'exits with 0 when it is stopped while it waits': stoppedWhileWaiting,
      'exits with 0 when it is stopped while its Postgres is silent': stoppedBeforeSilence,
      'brings an empty database up to date together with two others': threeAtOnce,
      'exits with 78 and names every fault of its configuration': faults,
      'exits with 1 before it makes a database, when its port is taken': taken,
      'warns when other machines can reach it': openToOthers,
    },
    90_000,
  )
})
