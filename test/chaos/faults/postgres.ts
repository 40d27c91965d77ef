// Faults of Postgres. Nodes that live through them repeat nothing.
import { setTimeout as passed } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Random } from '../random.ts'
import type { Rig } from '../rig.ts'
import { type Fault, NORMAL } from './fault.ts'

/**
 * The time limits of statements and connections (4 s, 2 s) are no part of a run's scale: a lease that is shorter than they are together lets others take
 * over from a node that is alive, and its steps may be repeated.
 */
const SHORTEST_LEASE = 5_000

/** A fault of Postgres; repeats during it are breaches. A DELETE cannot reach a node that is cut off from it sooner than 8 s. */
const postgresFault = (name: string, strike: (rig: Rig, random: Random) => Promise<unknown>): Fault => ({
  name: `Postgres: ${name}`,
  group: 'pg',
  normal: NORMAL.postgres,
  strike: async (rig, random) =>
    void (await rig.span({ name, excuses: 10_000 / rig.setup.scale < SHORTEST_LEASE, cancelWithin: 8_000 }, () =>
      strike(rig, random),
    )),
})

const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'task_api'`

async function withClient(rig: Rig, body: (client: Client) => Promise<unknown>): Promise<void> {
  const client = await rig.postgres.connect()
  try {
    await body(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Takes every connection that the server has, for some time. */
async function exhaust(rig: Rig, ms: number): Promise<void> {
  const clients: Client[] = []
  await withClient(rig, async (client) => {
    await client.query(TERMINATE)
    for (let full = false; !full;)
      await rig.postgres.connect().then(
        (one) => clients.push(one),
        () => (full = true),
      )
    // Nodes that were quicker lose theirs once more, and find no other.
    await client.query(TERMINATE)
    await passed(ms)
    await Promise.all(clients.map((one) => one.end().catch(() => undefined)))
  })
}

export const POSTGRES_FAULTS: readonly Fault[] = [
  postgresFault('kill -9', (rig) => rig.postgres.kill('SIGKILL')),
  postgresFault('immediate restart', (rig) => rig.postgres.kill('SIGQUIT')),
  postgresFault('backends terminated', (rig) => withClient(rig, (client) => client.query(TERMINATE))),
  postgresFault('frozen for 20 s', (rig) => rig.postgres.freeze(20_000 / rig.setup.scale)),
  postgresFault('no connection free', (rig) => exhaust(rig, 5_000 / rig.setup.scale)),
  postgresFault('tasks locked for 10 s', (rig) =>
    withClient(rig, async (client) => {
      await client.query('begin')
      await client.query('lock table tasks in access exclusive mode')
      await passed(10_000 / rig.setup.scale)
      await client.query('rollback')
    }),
  ),
]
