// Creates the tasks of one POST in one commit, and not again when the POST is repeated.
import { randomUUID } from 'node:crypto'
import type { Service, Services } from '../core/service.ts'
import { type Callback, type Created, type CreatedTask, LEVELS, type NewTask, type RequestKey } from '../core/task.ts'
import { askOnce, type Asks, FIRST_OWN, idempotentRoutine, refuseWith, type ReturnedRow, TOLD } from './idempotent.ts'
import type { Seals } from './seal.ts'
import { openTask, sealName } from './sealed.ts'
import { NOT_ENDED, withId } from './sql.ts'

/** The columns of the tasks to create: name, type, value. What the service says counts where the task says nothing. */
interface Given {
  readonly task: NewTask
  readonly key: string
  readonly service: Service | undefined
  /** The payload as it is stored, and the name under which it is sealed where that is not the task's own. */
  readonly stored: string
  readonly payloadOf?: string | undefined
}
export const GIVEN: Readonly<Record<string, readonly [type: string, value: (given: Given) => unknown]>> = {
  key: ['uuid', ({ key }) => key],
  service: ['text', ({ task }) => task.service],
  action: ['text', ({ task }) => task.action],
  payload: ['json', ({ stored }) => stored],
  payload_of: ['text', ({ payloadOf }) => payloadOf ?? null],
  schedule: ['text', ({ task }) => task.schedule ?? null],
  trace: ['text', ({ task }) => task.trace ?? null],
  bytes: ['integer', ({ task }) => Buffer.byteLength(task.payload)],
  delay: ['double precision', ({ task: { options } }) => options?.delay ?? null],
  run_at: ['double precision', ({ task: { options } }) => options?.runAt ?? null],
  priority: ['smallint', ({ task: { options } }) => LEVELS[options?.priority ?? 'normal']],
  deadline: ['bigint', ({ task: { options } }) => options?.deadline ?? null],
  labels: ['jsonb', ({ task: { options } }) => options?.labels && JSON.stringify(options.labels)],
  unique_key: ['text', ({ task: { options } }) => options?.unique ?? null],
  callback: ['jsonb', ({ task: { options }, service }) => callbackText(options?.callback ?? service?.callback)],
}

/** A callback as its column has it. */
export const callbackText = (callback: Callback | undefined): string | null =>
  callback === undefined ? null : JSON.stringify(callback)

export const GIVEN_AS = `unnest(${Object.keys(GIVEN)
  .map((_, i) => `$${i + FIRST_OWN}`)
  .join(', ')}) with ordinality as w(${Object.keys(GIVEN).join(', ')}, place)`

/** The columns of the task at `one.place`, without a look at the others. */
const ONE = Object.keys(GIVEN)
  .map((name, i) => `($${i + FIRST_OWN})[one.place] as ${name}`)
  .join(', ')

/** Nothing is inserted where a task with the same `unique` has not ended. */
export const UNLESS_TAKEN = `on conflict (service, unique_key) where unique_key is not null and status in ('pending', 'running') do nothing`

/** Inserts tasks from `w`. */
export const insertFrom = (source: string, conflict = '', caller = '$4'): string => `
    insert into tasks (key, service, action, payload, payload_of, payload_bytes, priority, run_at, due_at, deadline_ms, expires_at, labels, unique_key,
      callback, caller, schedule, trace)
    select w.key, w.service, w.action, w.payload, w.payload_of, w.bytes, w.priority, due.at, case when coalesce(w.delay, w.run_at) is not null then due.at end,
      w.deadline, due.at + w.deadline * interval '1 millisecond', w.labels, w.unique_key, w.callback, ${caller}, w.schedule, w.trace
    from ${source} cross join lateral (
      select greatest(now(), coalesce(to_timestamp(w.run_at / 1000), now() + coalesce(w.delay, 0) * interval '1 millisecond')) as at
    ) due
    ${conflict}`

const SCHEDULE = `($${Object.keys(GIVEN).indexOf('schedule') + FIRST_OWN})`

/** A POST makes a task of a schedule: its last time is now. There may be no such schedule any more. */
const RUN_NOW = `if ${SCHEDULE}[1] is not null then
      update schedules s set last_at = now() where s.name = ${SCHEDULE}[1];
      if not found then ${refuseWith('absent')} end if;
    end if;`

/** Whether the caller may know its own tasks only. */
const OWN = `$${FIRST_OWN + Object.keys(GIVEN).length}`

// Those with `unique` are inserted one by one, in order, so that two batches do not wait for each other.
export const CREATE = idempotentRoutine({
  name: 'create',
  types: [...Object.values(GIVEN).map(([type]) => `${type}[]`), 'boolean'],
  declared: `
  one record;
  made bigint;
  hidden boolean;`,
  creates: `
    ${RUN_NOW}
    ids := array_fill(null::bigint, array[cardinality($${FIRST_OWN})]);
    there := array_fill(false, array[cardinality($${FIRST_OWN})]);
    for one in
      with inserted as (
        ${insertFrom(`(select * from ${GIVEN_AS} where w.unique_key is null order by w.place) w`)} returning id, key
      ) select w.place, inserted.id from inserted join unnest($${FIRST_OWN}) with ordinality as w(key, place) on w.key = inserted.key
    loop
      ids[one.place] := one.id;
    end loop;
    waits_for := 'unique_locked';
    for one in select w.place, w.service, w.unique_key from ${GIVEN_AS} where w.unique_key is not null order by w.service, w.unique_key, w.place loop
      made := null;
      while made is null loop
        ${insertFrom(`(select ${ONE}) w`, UNLESS_TAKEN)} returning id into made;
        if made is null then
          select t.id, ${OWN} and t.caller is distinct from $4 into made, hidden from tasks t
            where t.service = one.service and t.unique_key = one.unique_key and ${NOT_ENDED};
          if hidden then ${refuseWith('unique_taken')} end if;
          there[one.place] := made is not null;
        end if;
      end loop;
      ids[one.place] := made;
    end loop;
    waits_for := 'locked';
    insert into task_labels (label, task)
      select named.key || '=' || named.value, ids[w.place] from ${GIVEN_AS} cross join lateral jsonb_each_text(w.labels) named
      where w.labels is not null and not there[w.place];
    if cardinality(ids) = 1 and (there[1] or ${SCHEDULE}[1] is not null) then
      select ${TOLD} into as_told from tasks t where t.id = ids[1];
    end if;`,
  returns: `
    return query select 'created', w.place::integer, w.id, w.existing, t.service, t.action, t.payload, t.status, t.key, t.payload_of
      from unnest(ids, there) with ordinality as w(id, existing, place) left join tasks t on w.existing and ${withId('w.id')};`,
})

/** A POST that creates tasks. */
export interface Creation {
  readonly tasks: readonly NewTask[]
  readonly key: RequestKey | undefined
  readonly caller: string | null
  /** Whether the caller may know its own tasks only: it is not told of another's with the same `unique`. */
  readonly own?: boolean
  readonly services: Services
}

/** Creates the tasks, or finds what the same POST has created before. Throws a `Refusal`, or a `StoreError`. */
export async function createTasks(
  asks: Asks,
  { tasks, key, caller, own = false, services }: Creation,
): Promise<Created> {
  const given = tasks.map((task) => {
    const key = randomUUID()
    const stored = asks.seals.close(task.payload, sealName(key, 'payload'))
    return { task, key, service: services.get(task.service), stored }
  })
  const columns = Object.values(GIVEN).map(([, value]) => given.map(value))
  const { rows, replayed } = await askOnce(asks, CREATE, { key, caller }, [...columns, own])
  return { replayed, tasks: rows.map((row) => ({ ...taskOf(asks.seals, row, tasks), key: given[row.place - 1]?.key })) }
}

/** What was created is what was asked for, unless its row tells more. */
function taskOf(seals: Seals, row: ReturnedRow, tasks: readonly NewTask[]): CreatedTask {
  const { id, place, existing, status } = row
  const asked = tasks[place - 1] as NewTask
  const there = existing === true
  const told = toldOf(seals, row)
  if (told === undefined)
    return {
      id,
      service: asked.service,
      action: asked.action,
      payload: asked.payload,
      status: 'pending',
      existing: there,
    }
  return { id, ...told, status: status as CreatedTask['status'], existing: there }
}

/** The task that such a row tells of, if any. */
export function toldOf(
  seals: Seals,
  { service, action, payload, key, payloadOf }: ReturnedRow,
): Pick<CreatedTask, 'service' | 'action' | 'payload' | 'cannotDecrypt'> | undefined {
  if (service === null || action === null || payload === null) return undefined
  const opened = openTask(seals, { key: key ?? '', payload, payloadOf })
  return {
    service,
    action,
    payload: opened.payload,
    ...(opened.cannotDecrypt && { cannotDecrypt: opened.cannotDecrypt }),
  }
}
