// Who waits for a lock: statements that wait for a table, since when, and those that wait for the snapshot of a transaction.

/** One row, of this database: the longest wait for a table, ms; how many wait for one; and how many wait for a snapshot to end. */
export const WAITS = `
  select coalesce(max(extract(epoch from clock_timestamp() - waitstart)) filter (where locktype = 'relation'), 0)::float8 * 1000 as longest,
    (count(*) filter (where locktype = 'relation'))::integer as tables, (count(*) filter (where locktype = 'virtualxid'))::integer as snapshots
  from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`

export interface Waits {
  readonly longest: number
  readonly tables: number
  readonly snapshots: number
}
