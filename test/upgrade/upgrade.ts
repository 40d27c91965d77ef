// A rolling upgrade under load: from nodes of the release before to nodes of this one, back as far as the docs promise it, and forth.
import { setTimeout as passed } from 'node:timers/promises'
import type { Load } from '../chaos/callers.ts'
import type { Member } from '../chaos/member.ts'
import { browse } from '../chaos/reader.ts'
import type { Rig } from '../chaos/rig.ts'
import { type Figures, hold, inRig } from '../chaos/row.ts'
import { untilReady } from '../chaos/watch.ts'
import { DIST } from '../support/node.ts'
import { WAITS, type Waits } from '../support/table-waits.ts'
import { News, servicesOf } from './news.ts'

export interface UpgradeOptions {
  readonly seed: number
  /** Ended tasks that the database has when the upgrade begins. */
  readonly rows: number
  /** Tasks that are posted in each part of the upgrade. */
  readonly tasks: number
  /** What was compiled of the release before. */
  readonly before: URL
  log(text: string): void
}

/** Posts a second, and the tasks that have not ended above which callers wait. */
const [RATE, MOST_UNENDED] = [40, 500]
/** The transaction of another program stays open for so long after a migration first waited for it, ms. */
const READER = 6_000
/** The longest that a statement of a node may wait for a migration: docs/operations.md says 1 s, ms. */
const LONGEST_WAIT = 1_500
/** Rows that are inserted at once. */
const PIECE = 50_000
/** How often a state is asked for, ms. */
const ASKED = 50

/** Runs it. Throws `Breach` where a promise was broken. */
export function upgrade(options: UpgradeOptions): Promise<Figures> {
  const { seed, before } = options
  const upgraded = new Set<string>()
  const isNew = (node: string): boolean => upgraded.has(node)
  const services = (port: number, node: string): Record<string, unknown> => servicesOf(port, node, isNew(node))
  return inRig(
    { seed, scale: 1, balanced: true, dist: before, services },
    (rig) => roll(rig, upgraded, options),
    120_000,
  )
}

async function roll(rig: Rig, upgraded: Set<string>, options: UpgradeOptions): Promise<Figures> {
  const { log, before, tasks, rows } = options
  const [a, b, c] = rig.members as readonly [Member, Member, Member]
  await fill(rig, rows)
  const stop = new AbortController()
  let behind = false
  const watching = Promise.all([
    browse(rig, stop.signal),
    watchBacklog(rig, stop.signal, (unended) => (behind = unended > MOST_UNENDED)),
  ])
  const load = rig.callers.load({ rate: RATE, held: () => behind, deleting: 0.05 })
  const news = new News(rig, (node) => upgraded.has(node))
  /** Posts more tasks, and tells of it. */
  const part = async (name: string): Promise<void> => {
    log(name)
    await more(load, tasks)
  }
  /** Starts a node that has ended as one of this release. */
  const join = async (member: Member): Promise<number> => {
    const begun = performance.now()
    member.dist = DIST
    upgraded.add(member.name)
    await member.start()
    await untilReady(member)
    return performance.now() - begun
  }

  await part('nodes of the release before alone')
  await leave(rig, c)
  const migration = await migrate(rig, () => join(c))
  log(
    `migrated in ${migration['migrated in, ms']} ms; the longest wait for a lock: ${migration['longest wait for it, ms']} ms`,
  )
  const using = news.post(stop.signal)
  await part('two of the release before, one of this')
  // A node that is killed has its tasks taken over, by either release.
  await rig.span({ name: 'kill', of: b.name }, () => b.end('SIGKILL'))
  await rig.normal(30_000)
  await join(b)
  await part('one of the release before, two of this')
  await leave(rig, a)
  await join(a)
  await part('nodes of this release alone')
  await leave(rig, b)
  upgraded.delete(b.name)
  await news.paused(async () => {
    await refused(b, before)
    await part('one of the release before waits at the database of this')
  })
  await leave(rig, b)
  await join(b)
  await part('forth again')
  await load.stop()
  stop.abort()
  await Promise.all([watching, using])
  // The tasks, and their callbacks.
  for (let i = 0; i < 2; i += 1) await rig.normal(60_000, true)
  const [old] = await rig.postgres.sql<{ count: number }>(
    `select count(*)::integer as count from tasks where action = 'old' and finished_at < now() - interval '300 days'`,
  )
  hold({ [`${old?.count} of ${rows} old tasks are left`]: old?.count === rows })
  return { 'old rows': rows, ...migration, ...(await news.judge()) }
}

/** Puts ended tasks into the database, as the release before writes them. */
async function fill({ postgres }: Rig, rows: number): Promise<void> {
  for (let left = rows; left > 0; left -= PIECE)
    await postgres.sql(
      `insert into tasks (key, service, action, payload, payload_bytes, status, created_at, run_at, started_at, finished_at, result)
       select gen_random_uuid(), 'svc', 'old', '{}', 2, 'complete', at, at, at, at, '{}' from (
         select now() - interval '400 days' + i * interval '1 ms' as at from generate_series(1, $1::integer) i) one`,
      [Math.min(PIECE, left)],
    )
}

/** Stops a node in order. No span: nothing excuses a step that is sent again, nor a call that fails. */
async function leave({ ledger }: Rig, member: Member): Promise<void> {
  const [broken, closed] = [ledger.broken.length, ledger.closed]
  await member.end('SIGTERM')
  hold({
    [`${member.name} has left, and calls failed: ${ledger.broken.slice(broken).join('; ')}`]:
      ledger.broken.length === broken,
    [`${ledger.closed - closed} callers were sent to ${member.name}, which had gone`]: ledger.closed === closed,
  })
}

/** Has the first node of this release migrate while another program, which has read the table, keeps its transaction open. */
async function migrate(rig: Rig, join: () => Promise<number>): Promise<Figures> {
  const reader = await rig.postgres.connect()
  const watcher = await rig.postgres.connect()
  await reader.query('begin; select from tasks limit 1')
  let [longest, most, over] = [0, 0, false]
  let closing: Promise<void> | undefined
  const watching = (async () => {
    for (; !over; await passed(ASKED)) {
      const { rows } = await watcher.query<Waits & Record<string, unknown>>(WAITS)
      longest = Math.max(longest, rows[0]?.longest ?? 0)
      most = Math.max(most, rows[0]?.tables ?? 0)
      if (most > 0) closing ??= passed(READER).then(() => reader.end())
    }
  })()
  const took = await join().finally(() => (over = true))
  await watching
  await (closing ?? reader.end())
  await watcher.end()
  hold({
    [`a statement waited ${Math.round(longest)} ms for a lock`]: longest <= LONGEST_WAIT,
    'no migration waited for the transaction of another program': most > 0,
  })
  return {
    'migrated in, ms': Math.round(took),
    'longest wait for it, ms': Math.round(longest),
    'statements that waited at once': most,
  }
}

/** A node of the release before waits at a database that a newer release has migrated: it says so, and is never ready. */
async function refused(member: Member, before: URL): Promise<void> {
  member.dist = before
  await member.start()
  const line = await member.process.logged('postgres cannot be reached; trying on')
  const { status } = await fetch(`${member.url}/readyz`)
  hold({
    [`its log says ${JSON.stringify(line)}`]: /migrated by a newer release/.test(String(line['why'])),
    [`its /readyz says ${status}`]: status === 503,
  })
}

/** Waits until so many more tasks have been posted. */
async function more(load: Load, count: number): Promise<void> {
  for (const end = load.posted + count; load.posted < end;) await passed(ASKED)
}

/** Tells how many tasks have not ended, again and again. */
async function watchBacklog(rig: Rig, stop: AbortSignal, tell: (unended: number) => void): Promise<void> {
  for (; !stop.aborted; await passed(5 * ASKED)) tell(await rig.unended())
}
