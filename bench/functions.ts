// What each kind of statement has taken, by Postgres' own count of functions: it needs the setting track_functions = pl.
import type { OwnDatabase } from './engines.ts'

/** Calls of a function, and their time, ms. */
export interface Spent {
  readonly calls: number
  readonly ms: number
}

/** What every function of ours has taken so far. A backend tells of its calls once a second, so the last ones may be missing. */
export async function spent(database: OwnDatabase): Promise<ReadonlyMap<string, Spent>> {
  const rows = await database.run(
    `select substring(funcname from '^task_api_(.*)_[0-9a-f]{8}$') as name, calls::double precision as calls, total_time as ms
     from pg_stat_user_functions`,
  )
  return new Map(rows.map(({ name, calls, ms }) => [String(name), { calls: Number(calls), ms: Number(ms) }]))
}

/** What the functions with such names took in between. Throws when there was no call. */
export function between(before: ReadonlyMap<string, Spent>, after: ReadonlyMap<string, Spent>, name: RegExp): Spent {
  let [calls, ms] = [0, 0]
  for (const [one, to] of after) {
    if (!name.test(one)) continue
    const from = before.get(one)
    calls += to.calls - (from?.calls ?? 0)
    ms += to.ms - (from?.ms ?? 0)
  }
  if (calls === 0)
    throw new Error(`no function ${name.source} was called: its name has changed, or the run is too short`)
  return { calls, ms }
}
