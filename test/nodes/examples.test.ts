// The examples for callers, run as they stand against two nodes that want a key, behind a front that kills a node at some of its answers.
import { expect } from 'chai'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { hashOf } from '../../src/core/key.ts'
import { endsWithUs } from '../support/child.ts'
import { Fleet } from '../support/fleet.ts'
import { tokenOf } from '../support/keys.ts'
import type { NodeProcess } from '../support/node.ts'
import { ServicesFile } from '../support/services-file.ts'

/** The answers, counted from 1, at which the node is killed. The caller gets none of it: what it asked for is committed. */
const KILLING = [2, 5, 14]

/** A front that leads each connection to the next of two nodes, whether that node is alive or not. */
async function openFront(fleet: Fleet, env: Readonly<Record<string, string>>) {
  const nodes: NodeProcess[] = [await fleet.start('0', env), await fleet.start('1', env)]
  const replaced: Promise<void>[] = []
  let [connections, answers] = [0, 0]
  const replace = async (place: number): Promise<void> => {
    nodes[place]?.kill('SIGKILL')
    nodes[place] = await fleet.start(String(place), env)
  }
  const server = createServer((near) => {
    const place = connections++ % nodes.length
    const far = connect(Number(new URL(nodes[place]?.url ?? '').port), '127.0.0.1')
    joined(near, far)
    near.pipe(far)
    far.once('data', (first: Buffer) => {
      answers += 1
      if (!KILLING.includes(answers)) {
        near.write(first)
        far.pipe(near)
        return
      }
      near.destroy()
      replaced.push(replace(place))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How many nodes were killed, once all are replaced. */
    killed: async () => (await Promise.all(replaced)).length,
    close: async () => {
      server.close()
      await Promise.allSettled(replaced)
    },
  }
}

/** Ends one side of a connection with the other. */
function joined(near: Socket, far: Socket): void {
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => other.destroy())
  }
}

const runs =
  (...command: string[]) =>
  (): Promise<void> =>
    Fleet.during(async (fleet) => {
      await using file = await ServicesFile.create({})
      const keys = { shop: { hash: `sha256:${hashOf(tokenOf('shop'))}`, scopes: ['submit', 'read'], own: true } }
      await file.write(JSON.stringify({ services: { svc: { url: fleet.service.url, concurrency: 200 } }, keys }))
      const front = await openFront(fleet, { TASK_API_CONFIG: file.path, AUTH: 'required' })
      try {
        await judge(fleet, front, command)
      } finally {
        await front.close()
      }
    })

async function judge(
  fleet: Fleet,
  front: Awaited<ReturnType<typeof openFront>>,
  [program = '', ...args]: readonly string[],
): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', TASK_API_KEY: tokenOf('shop') }
  const argv = [...args, front.url, 'svc', 'some.10']
  const child = endsWithUs(spawn(program, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const [code] = (await once(child, 'close')) as unknown[]
  expect([code, ...said.join('').split('\n')]).to.deep.equal([
    0,
    '1000 tasks submitted, 1000 created',
    '900 complete, 100 failed',
    '100 retried, 100 of them complete',
    '',
  ])
  expect(await front.killed()).to.equal(KILLING.length)
  const [rows] = await fleet.sql<Record<string, number>>(
    `select count(*) filter (where retry_of is null)::integer as firsts,
      count(distinct payload ->> 'n') filter (where retry_of is null)::integer as payloads,
      count(retry_of)::integer as retries, count(distinct retry_of)::integer as retried,
      extract(epoch from max(due_at - created_at))::float8 as last from tasks`,
  )
  expect(rows).to.include({ firsts: 1_000, payloads: 1_000, retries: 100, retried: 100 })
  // A hundred retries at 100/s.
  expect(rows?.last).to.be.within(0.9, 1.1)
}

const isThere = (...[program = '', ...args]: string[]): boolean => spawnSync(program, args).status === 0

describe('the examples for callers, while nodes are killed', function () {
  this.timeout(300_000)
  if (isThere('python3', '--version'))
    it('submit_many.py loses nothing and creates nothing twice', runs('python3', 'examples/submit_many.py'))
  if (isThere('curl', '--version'))
    it('submit_many.sh loses nothing and creates nothing twice', runs('sh', 'examples/submit_many.sh'))
})
