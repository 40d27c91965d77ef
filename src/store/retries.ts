// Tries an ended task again, as a new task that goes on where the old one has ended, or from an earlier step.
import { randomUUID } from 'node:crypto'
import type { Bounds } from '../core/key.ts'
import type { CreatedTask, RequestKey } from '../core/task.ts'
import { toldOf, UNLESS_TAKEN } from './creations.ts'
import { askOnce, type Asks, FIRST_OWN, idempotentRoutine, refuseWith, TOLD } from './idempotent.ts'
import { carriedOf, payloadOf, sealName } from './sealed.ts'
import { BOUND_TYPES, boundValues, withinBounds } from './sql.ts'

/** Where a retry begins. */
export type From = 'default' | 'failure' | 'start' | number

export interface Retrial {
  readonly id: string
  readonly from: From
  /** What the first request carries, JSON text; undefined: what the old task had at that step. */
  readonly payload: string | undefined
  /** Milliseconds. */
  readonly delay: number
  readonly key: RequestKey | undefined
  readonly caller: string | null
  /** The services that this node knows. */
  readonly services: readonly string[]
  /** A task beyond them is as absent. */
  readonly bounds?: Bounds | undefined
}

const [ID, FROM, STEP, PAYLOAD, BYTES, DELAY, SERVICES, KEY, ...BOUNDS] = Array.from(
  { length: 10 },
  (_, i) => `$${FIRST_OWN + i}`,
)

export const RETRY_TASK = idempotentRoutine({
  name: 'retry_task',
  types: ['bigint', 'text', 'integer', 'json', 'integer', 'double precision', 'text[]', 'uuid', ...BOUND_TYPES],
  declared: `
  old tasks;
  made bigint;
  begins integer;
  carried json;
  due timestamptz := now() + ${DELAY} * interval '1 millisecond';`,
  creates: `
    select t.* into old from tasks t where t.id = ${ID} and ${withinBounds('t', BOUNDS)} for update;
    if not found then ${refuseWith('absent')} end if;
    if old.status in ('pending', 'running') then ${refuseWith('not_ended')} end if;
    if old.service <> all (${SERVICES}) then ${refuseWith('unknown_service')} end if;
    -- A retry that was deleted is none: then there may be another.
    select t.id into made from tasks t where t.id = old.retried_as;
    there := array[made is not null];
    if made is null then
      if ${FROM} = 'failure' and old.status <> 'failed' then ${refuseWith('no_such_state')} end if;
      begins := case when ${FROM} = 'start' then 0 when ${FROM} = 'step' then ${STEP} when old.status = 'failed' then old.step else 0 end;
      carried := case when begins = 0 then old.payload when begins = old.step then coalesce(old.state, old.payload) end;
      if carried is null and begins < old.step then
        select a.state into carried from attempts a where a.task = old.id and a.step = begins - 1 and a.state is not null order by a.id desc limit 1;
      end if;
      carried := coalesce(${PAYLOAD}, carried);
      if carried is null or begins > old.step then ${refuseWith('no_such_state')} end if;
      if old.unique_key is not null then waits_for := 'unique_locked'; end if;
      insert into tasks (key, service, action, payload, payload_of, payload_bytes, state, state_of, step, first_step, priority, run_at, due_at, deadline_ms, expires_at,
          labels, unique_key, callback, caller, retry_of)
        select ${KEY}, old.service, old.action, coalesce(original.given, old.payload), case when original.given is null then ${payloadOf('old')} end,
          coalesce(original.bytes, old.payload_bytes), case when begins > 0 then carried end,
          -- A payload that was given is sealed for this task, wherever it goes.
          case when begins > 0 and ${PAYLOAD} is null then ${carriedOf('old', 'carried')} when begins > 0 then ${KEY} || '.payload' end, begins, begins, old.priority, due, case when ${DELAY} > 0 then due end, old.deadline_ms,
          due + old.deadline_ms * interval '1 millisecond', old.labels, old.unique_key, old.callback, coalesce(old.caller, $4), old.id
        from (select case when begins = 0 then ${PAYLOAD} end as given, case when begins = 0 then ${BYTES} end as bytes) original
        ${UNLESS_TAKEN} returning id into made;
      if made is null then ${refuseWith('unique_taken')} end if;
      waits_for := 'locked';
      insert into task_labels (label, task) select named.key || '=' || named.value, made from jsonb_each_text(old.labels) named where old.labels is not null;
      update tasks t set retried_as = made where t.id = old.id;
    end if;
    ids := array[made];
    select ${TOLD} into as_told from tasks t where t.id = made;`,
  returns: `
    return query select 'created', 1, t.id, there[1], t.service, t.action, t.payload, t.status, t.key, t.payload_of from tasks t where t.id = made;`,
})

/** Makes the new task, or finds the one that was made before. Throws a `Refusal`, or a `StoreError`. */
export async function retryTask(
  asks: Asks,
  retrial: Retrial,
): Promise<{ task: CreatedTask | undefined; replayed: boolean }> {
  const { id, from, payload, delay, services, bounds } = retrial
  const key = randomUUID()
  const { rows, replayed } = await askOnce(asks, RETRY_TASK, retrial, [
    id,
    typeof from === 'number' ? 'step' : from,
    typeof from === 'number' ? from : null,
    payload === undefined ? null : asks.seals.close(payload, sealName(key, 'payload')),
    payload === undefined ? null : Buffer.byteLength(payload),
    delay,
    services,
    key,
    ...boundValues(bounds),
  ])
  const [row] = rows
  const told = row && toldOf(asks.seals, row)
  if (!told) return { task: undefined, replayed }
  return {
    task: { id: row.id, ...told, status: row.status as CreatedTask['status'], existing: row.existing === true },
    replayed,
  }
}
