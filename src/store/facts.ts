// Reads what explains why a task is not running, or what it is doing: the row, those before it, and the nodes that know its service.
import type { Facts } from '../core/explain.ts'
import { MOST } from '../core/limit.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'
import { ALL_LEVELS } from './claimed.ts'
import { routineOf } from './routine.ts'
import { OPEN_GRANT, UNOWNED } from './sql.ts'

/** Of the tasks that begin before another one, so many are counted at most. */
export const MOST_BEFORE = 1_000

/** The columns that are JSON. */
const JSONS = ['error', 'nodes', 'state', 'granted'] as const

const at = (column: string): string => time(column)[1]

export const FACTS = routineOf({
  name: 'facts',
  types: ['bigint'],
  returns: `status text, service text, step integer, attempt integer, fails integer, error text, held boolean, "node" text, early boolean,
    "runAt" text, "startedAt" text, "finishedAt" text, before bigint, nodes text, state text, granted text`,
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
      from nodes n where task.service = any(n.services) and n.lease_until > now()),
    (select json_build_object('pausedAt', ${at('s.paused_at')}, 'pausedBy', s.paused_by, 'reason', s.pause_reason,
        'gatedUntil', ${at('s.gated_until')}, 'gatedBy', s.gated_by, 'opening', coalesce(s.gated_until <= now(), false), 'limit', s.limits,
        'paidUntil', ${at('s.paid_until')}, 'paidFor', extract(epoch from s.paid_until - now()) * 1000)::text
      from service_state s where s.service = any(array[task.service])),
    (select json_agg(json_build_object('name', n.name, 'count', open.count))::text from (
      select t.node, count(*) from (
        select t.node from tasks t where t.service = task.service and ${OPEN_GRANT}
        order by t.run_at, t.id limit ${MOST.concurrency}
      ) t group by t.node
    ) open left join nodes n on n.id = open.node)
  from tasks task left join nodes owner on owner.id = task.node where task.id = any(array[$1])`,
})

/** Reads the facts of a task; undefined where there is none. Throws a `StoreError`. */
export async function readFacts(query: Query, id: string): Promise<Facts | undefined> {
  const rows = await query<
    Omit<Facts, 'before' | (typeof JSONS)[number]> & { before: string } & Record<(typeof JSONS)[number], string | null>
  >(FACTS.call, [id])
  return rows.map(({ before, error, nodes, state, granted, ...row }) => ({
    ...row,
    before: Number(before),
    error: JSON.parse(error ?? 'null') as Facts['error'],
    nodes: JSON.parse(nodes ?? '[]') as Facts['nodes'],
    state: JSON.parse(state ?? 'null') as Facts['state'],
    granted: JSON.parse(granted ?? '[]') as Facts['granted'],
  }))[0]
}
