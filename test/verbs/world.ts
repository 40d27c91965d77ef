// The world of a sequence: simulated nodes with real stores on one database, what they remember, and the rows as they are.
import { createDatabase } from '../support/databases.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { Database } from '../../src/store/database.ts'
import { Servers } from '../../src/store/servers.ts'
import type { ClaimRef } from '../../src/store/fenced.ts'
import { Store } from '../../src/store/store.ts'
import type { Asked, Leases, Task } from './model.ts'
import type { Report } from './report.ts'
import type { Statement, Tap } from './tap.ts'

/** A node: its store outlives its ids, as a process that lost its row takes a new one. */
export interface SimNode {
  readonly name: string
  readonly store: Store
  id: string
}

/** A claim as the node remembers it that was given it, for ever: also when it has long been somebody else's. */
export interface Claim extends ClaimRef {
  readonly by: SimNode
  /** What its actor would send next; undefined where a sync found it and no actor ever knew. */
  step: number | undefined
  attempt: number
}

/** One call of a verb. */
export interface Op {
  readonly asked: Asked
  /** Whose store it goes through; undefined for the world itself, which loses nothing. */
  readonly by?: SimNode
  /** The claim that it is made for. */
  readonly claim?: Claim
  /** The calls whose late statement this is. */
  readonly standsFor?: readonly Op[]
  run(): Promise<Report>
  /** Makes the node remember what it was told. */
  learn?(report: Report): void
}

/** A statement, and whose it was: a batch carries many. */
export interface Sent {
  readonly statement: Statement<Op>
  readonly covers: readonly Op[]
}

/** What a key stands for. */
export interface Kept {
  readonly body: string
  readonly id: string
  readonly existing: boolean
}

/** The rows as they are. */
export interface Rows {
  readonly tasks: ReadonlyMap<string, Task>
  readonly leases: Leases
  /** What each key stands for, and the uniques of tasks by id, with their service. */
  readonly keys: ReadonlyMap<string, Kept>
  readonly uniques: ReadonlyMap<string, string>
  /** Grants of tasks that were deleted while their request was open. */
  readonly cuts: number
  /** Every column of a task but its times, which a test moves, as text. */
  readonly whole: ReadonlyMap<string, string>
}

export interface World {
  readonly database: Database
  readonly tap: Tap<Op>
  readonly nodes: readonly SimNode[]
  /** Each id that a node had, and each id of a task that was told of. */
  readonly nodeIds: string[]
  readonly taskIds: string[]
  readonly claims: Claim[]
  /** Statements of which their senders think the worst, and that are still to come. */
  readonly late: Sent[]
  model: { readonly tasks: ReadonlyMap<string, Task>; readonly leases: Leases }
  rows: Rows
  /** What has happened so far, a line each. */
  readonly story: string[]
  /** Numbers for what must be unique: tokens, payloads, ids of nodes. */
  count: number
}

const NODES = 3
/** How long a lease is, ms: it ends when the test says so. */
export const LEASE = 600_000
/** The services; the tasks of the first have a deadline. */
export const SERVICES = ['timed', 'endless'] as const
/** ms */
export const DEADLINE = 3_600_000

/** Grants of deleted tasks count until the test says so. */
const KEPT = [
  `create function keep_cut() returns trigger language plpgsql as $$ begin new.until := 'infinity'; return new; end $$`,
  'create trigger keep_cut before insert on cut_grants for each row execute function keep_cut()',
]

export interface Bench {
  /** A world in which nothing has happened yet. */
  fresh(): Promise<World>
  close(): Promise<void>
}

/** Opens the database and the stores that all sequences share, one after the other. */
export async function openBench(tap: Tap<Op>): Promise<Bench> {
  const made = await createDatabase()
  // What is asked here is what Postgres says, not what survives its death. It holds for the connections made from now on.
  const first = new Database(new Servers(made.url), 1)
  await first.query(`alter database ${made.name} set synchronous_commit = off`)
  await first.close()
  const stores = Array.from({ length: NODES }, () => new Store({ url: made.url, log: silentLog() }))
  for (const store of stores) await store.start()
  const database = new Database(new Servers(made.url), 2)
  for (const one of KEPT) await database.query(one)
  return {
    async fresh() {
      await database.query('with gone as (delete from nodes), keys as (delete from idempotency_keys) delete from tasks')
      await database.query('delete from cut_grants')
      const world: World = {
        database,
        tap,
        nodes: stores.map((store, i) => ({ name: `n${i}`, store, id: '' })),
        nodeIds: [],
        taskIds: [],
        claims: [],
        late: [],
        model: { tasks: new Map(), leases: new Map() },
        rows: { tasks: new Map(), leases: new Map(), whole: new Map(), keys: new Map(), uniques: new Map(), cuts: 0 },
        story: [],
        count: 0,
      }
      for (const node of world.nodes) {
        node.id = newNodeId(world)
        await node.store.enroll({ id: node.id, name: node.name, services: SERVICES }, LEASE)
      }
      world.rows = await readRows(database)
      world.model = { tasks: new Map(), leases: world.rows.leases }
      return world
    },
    async close() {
      await Promise.all([...stores.map((store) => store.stop()), database.close()])
      await made.drop()
    },
  }
}

export function newNodeId(world: World): string {
  world.count += 1
  const id = `00000000-0000-4000-8000-${String(world.count).padStart(12, '0')}`
  world.nodeIds.push(id)
  return id
}

const READ = `
  select id::text, service, payload::text, status, node, token::text, step, repeats, attempt, fails, crashes, state::text,
    result::text, case when error->>'code' in ('crashed', 'deadline_exceeded') then error->>'code' else error->>'detail' end as error,
    run_at <= now() as due, created_at < now() - $1 * interval '1 millisecond' as old, started_at is not null as started, granted,
    (to_jsonb(t) - 'created_at' - 'run_at')::text as whole, null::boolean as leased
  from tasks t
  union all
  select id::text, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
    lease_until > now()
  from nodes`

type Read =
  | (Omit<Task, 'token'> & { readonly token: string; readonly whole: string; readonly leased: null })
  | { readonly id: string; readonly leased: boolean }

const READ_KEYS = `
  select key, encode(hash, 'hex') as body, tasks[1]::text as id, existing[1] as existing, null as "unique" from idempotency_keys where scope <> ''
  union all select null, null, id::text, null, service || ' ' || unique_key from tasks where unique_key is not null`

type ReadKey = (Kept & { readonly key: string }) | { readonly key: null; readonly id: string; readonly unique: string }

/** Reads all there is. */
export async function readRows(database: Database): Promise<Rows> {
  const tasks = new Map<string, Task>()
  const whole = new Map<string, string>()
  const leases = new Map<string, 'held' | 'out'>()
  for (const row of await database.query<Read>(READ, [DEADLINE])) {
    if (row.leased !== null) leases.set(row.id, row.leased ? 'held' : 'out')
    else {
      const { whole: text, leased: _, token, ...task } = row
      tasks.set(row.id, { ...task, token: Number(token) })
      whole.set(row.id, text)
    }
  }
  const keys = new Map<string, Kept>()
  const uniques = new Map<string, string>()
  for (const row of await database.query<ReadKey>(READ_KEYS))
    if (row.key === null) uniques.set(row.id, row.unique)
    else keys.set(row.key, { body: row.body, id: row.id, existing: row.existing })
  const [cut] = await database.query<{ cuts: number }>('select count(*)::integer as cuts from cut_grants')
  return { tasks, leases, whole, keys, uniques, cuts: cut?.cuts ?? 0 }
}
