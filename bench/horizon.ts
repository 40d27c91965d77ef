// The scene of a transaction that stays open: what each statement takes while Postgres may remove no dead row.
import { setTimeout as passed } from 'node:timers/promises'
import { type Engines, type OwnDatabase, connect } from './engines.ts'
import { between, spent } from './functions.ts'
import { type Contender, type Run, measured } from './measure.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

/** The contenders: with an open transaction, and without. */
export const [HELD, FREE] = ['open transaction', 'none'] as const

/** The statements that are looked at, each by the names of its functions in the database. A claim is paid for by its tasks; the others are overhead. */
const CLAIM = 'claim'
const KINDS: Readonly<Record<string, RegExp>> = {
  // A full pass is the same statement, from the start.
  [CLAIM]: /^claim$/,
  sync: /^holdings$/,
  'unknown services': /^fail_unknown$/,
  page: /^page_by_/,
}
const OVERHEAD = 'all but claims, % of a backend'
const msOf = (kind: string): string => `${kind}, ms`

export const HORIZON_GOALS: readonly Goal[] = [
  ...Object.keys(KINDS).map((kind) => ({
    figure: msOf(kind),
    of: HELD,
    against: FREE,
    ...(kind === CLAIM ? { most: 1.3 } : {}),
  })),
  { figure: OVERHEAD, of: HELD, most: 10 },
]

/** So few that callers are faster, and the tasks wait in the list. */
const CONCURRENCY = 32
const SECOND = 1_000
/** Pages that somebody looks at, one each second. */
const PAGES = ['', '&status=pending', '&status=running', '&service=stub']
/** A node looks for tasks of unknown services once in so many seconds. */
const CHORE = 5
/** For how long no node may have known a service, ms. */
const FORGOTTEN = 60_000

/** Posts tasks and times the statements meanwhile, by Postgres' own count. */
export async function horizon(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const ground = { concurrency: CONCURRENCY, settings: { track_functions: 'pl' } }
  const { said, measured: run } = await measured(
    engines,
    { ...contender, ground },
    { count: warm },
    async (started) => {
      const { database } = started.ground
      const close = contender.name === HELD ? await hold(database) : undefined
      const before = await spent(database)
      const begun = performance.now()
      const end = watch(started)
      try {
        await started.post({ count })
        await started.finals(count)
      } finally {
        await end()
      }
      const ms = performance.now() - begun
      const after = await spent(database)
      await close?.()
      await started.ended()
      return { before, after, ms }
    },
  )
  const kinds = Object.entries(KINDS).map(([kind, name]) => [kind, between(said.before, said.after, name)] as const)
  const overhead = kinds.reduce((sum, [kind, { ms }]) => (kind === CLAIM ? sum : sum + ms), 0)
  return {
    ...Object.fromEntries(kinds.map(([kind, { calls, ms }]) => [msOf(kind), ms / calls])),
    [OVERHEAD]: (overhead / said.ms) * 100,
    'tasks/s': count / run.seconds,
    'others %': run.others * 100,
  }
}

/** Opens a transaction that keeps all that is dead from now on; the call that it returns ends it. */
async function hold({ url }: OwnDatabase): Promise<() => Promise<void>> {
  const client = await connect(url)
  // The end of a run that failed drops the database under it.
  client.on('error', () => undefined)
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from nodes')
  return () => client.end()
}

/** Looks at a page each second, and does the chore that a node does only a minute after its start. The call that it returns ends that. */
function watch({ ground: { database }, running }: Run): () => Promise<void> {
  const ended = new AbortController()
  const loop = async (): Promise<void> => {
    const chore = await functionOf(database, 'fail_unknown')
    for (let i = 0; !ended.signal.aborted; i += 1) {
      const { status } = await fetch(`${running[0]?.url}/tasks?limit=100${PAGES[i % PAGES.length]}`)
      if (status !== 200) throw new Error(`a page was answered ${status}`)
      if (i % CHORE === 0) {
        await database.run(`select * from ${chore}($1)`, [FORGOTTEN])
        await database.run('select pg_stat_force_next_flush()')
      }
      await passed(SECOND, undefined, { signal: ended.signal }).catch(() => undefined)
    }
  }
  const done = loop()
  // Who ends it hears of it.
  done.catch(() => undefined)
  return () => {
    ended.abort()
    return done
  }
}

/** The full name of a function of ours. */
async function functionOf(database: OwnDatabase, name: string): Promise<string> {
  const [row] = await database.run('select proname from pg_proc where proname ~ $1', [`^task_api_${name}_[0-9a-f]{8}$`])
  if (!row) throw new Error(`the database has no function ${name}`)
  return String(row.proname)
}
