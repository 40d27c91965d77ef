// Reads what explains why a task is not running, or what it is doing: the row, those before it, and the nodes that know its service.
import type { Facts } from '../core/explain.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'
import { ALL_LEVELS } from './claimed.ts'
import { routineOf } from './routine.ts'
import { UNOWNED } from './sql.ts'

/** Of the tasks that begin before another one, so many are counted at most. */
export const MOST_BEFORE = 1_000

const at = (column: string): string => time(column)[1]

export const FACTS = routineOf({
  name: 'facts',
  types: ['bigint'],
  returns: `status text, service text, step integer, attempt integer, fails integer, error text, held boolean, "node" text, early boolean,
    "runAt" text, "startedAt" text, "finishedAt" text, before bigint, nodes text`,
  ordered: true,
  sql: `
  select task.status, task.service, task.step, task.attempt, task.fails, task.error::text, task.node is not null, owner.name, task.run_at > now(),
    ${at('task.run_at')}, ${at('task.started_at')}, ${at('task.finished_at')},
    (select count(*) from (
      select from (values ${ALL_LEVELS.map((level) => `(${level}::smallint)`).join(', ')}) l(level) cross join lateral (
        select from tasks t where ${UNOWNED} and t.service = task.service and t.priority = l.level
          and (t.run_at, t.id) < (case when l.level < task.priority then now() else task.run_at end, case when l.level = task.priority then task.id else 0 end)
        order by t.run_at, t.id limit ${MOST_BEFORE}
      ) t where l.level <= task.priority and task.run_at <= now() limit ${MOST_BEFORE}
    ) earlier),
    (select (json_agg(json_build_object('name', n.name, 'slots', n.slots, 'running', n.running, 'use', n.use -> task.service)))::text
      from nodes n where task.service = any(n.services) and n.lease_until > now())
  from tasks task left join nodes owner on owner.id = task.node where task.id = any(array[$1])`,
})

/** Reads the facts of a task; undefined where there is none. Throws a `StoreError`. */
export async function readFacts(query: Query, id: string): Promise<Facts | undefined> {
  const rows = await query<
    Omit<Facts, 'before' | 'error' | 'nodes'> & { before: string; error: string | null; nodes: string | null }
  >(FACTS.call, [id])
  return rows.map(({ before, error, nodes, ...row }) => ({
    ...row,
    before: Number(before),
    error: error === null ? null : (JSON.parse(error) as Facts['error']),
    nodes: nodes === null ? [] : (JSON.parse(nodes) as Facts['nodes']),
  }))[0]
}
