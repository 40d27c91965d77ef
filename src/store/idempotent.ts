// What makes a POST that creates tasks repeatable: its key is a row of the same commit.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal, REFUSALS, type RefusalCode } from '../core/refusal.ts'
import type { RequestKey } from '../core/task.ts'
import { type Columns, type RowOf, typesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf, type Statement } from './routine.ts'
import type { Seals } from './seal.ts'
import type { Turns } from './turns.ts'
import { isCrowded, sqlState, StoreError } from './trouble.ts'

/** What such a routine returns for each task. */
export const RETURNED = {
  /** What came of it: `created`, `replayed`, or why it was refused; each row says the same. */
  outcome: ['text', ''],
  place: ['integer', ''],
  id: ['bigint', ''],
  existing: ['boolean', '', 'or null'],
  /** The task as it is, where the caller does not know it. */
  service: ['text', '', 'or null'],
  action: ['text', '', 'or null'],
  payload: ['json', '', 'or null'],
  status: ['text', '', 'or null'],
  key: ['uuid', '', 'or null'],
  payloadOf: ['text', '', 'or null'],
} as const satisfies Columns
export type ReturnedRow = RowOf<typeof RETURNED>

/** The scope of the keys that a node makes itself, for a POST without one: with it an unknown outcome can be asked again. */
const OWN_SCOPE = ''
/** The parameters of every such routine: scope, key, hash of the body, caller, and an id of the request for all of its tries. */
const FIRST_TYPES = ['text', 'text', 'bytea', 'text', 'uuid']
/** The number of the first parameter of a routine's own. */
export const FIRST_OWN = FIRST_TYPES.length + 1

/** The SQLSTATE with which a routine refuses: all that it has done is undone. */
const REFUSED = 'TA001'
/** PL/pgSQL: refuses. */
export const refuseWith = (outcome: string): string =>
  `raise exception using errcode = '${REFUSED}', message = '${outcome}';`
const nothingBut = (outcome: string): string =>
  `return query select ${outcome}, null::integer, null::bigint, null::boolean, null::text, null::text, null::json, null::text, null::uuid, null::text;`

/** PL/pgSQL: what a repeat is told of the row `t`. */
export const TOLD = 'array[t.service, t.action, t.payload::text, t.status, t.key::text, t.payload_of]'

interface Body extends Pick<Statement, 'name' | 'types' | 'declared'> {
  /**
   * PL/pgSQL: creates the tasks, and sets `ids` and `there`: whether each had been there. May set `as_told` to `TOLD`. While it may wait for a
   * `unique`, `waits_for` is `unique_locked`.
   */
  readonly creates: string
  /** Returns the rows of RETURNED. */
  readonly returns: string
}

/** Who waits longer for another transaction, ms, gives back the connection and asks again: others need connections too. */
const LOCK_WAIT_MS = 10

/**
 * Makes a routine. The key comes first: a repeat waits there until the first has committed, and then finds what that has created. When
 * the time for a lock is over, what was done so far is undone; `waits_for` is the outcome. The tables come before: who waits for them
 * waits for no key and no `unique`. The key of a repeat is locked: so the repeat is a commit too, and waits for the synchronous standby.
 */
export const idempotentRoutine = ({ name, types, declared = '', creates, returns }: Body): Routine =>
  routineOf({
    name,
    types: [...FIRST_TYPES, ...types],
    returns: typesOf(RETURNED),
    settings: [`lock_timeout = ${LOCK_WAIT_MS}`],
    declared: `
  waits_for text := 'locked';
  kept record;
  ids bigint[];
  there boolean[];
  as_told text[];${declared}`,
    sql: `
  begin
    lock table idempotency_keys, tasks in row exclusive mode;
    waits_for := 'key_locked';
    insert into idempotency_keys (scope, key, hash, request) values ($1, $2, $3, $5) on conflict do nothing;
    if not found then
      select k.hash, k.request, k.tasks, k.existing, k.told into strict kept from idempotency_keys k where k.scope = $1 and k.key = $2 for key share;
      if kept.hash <> $3 then
        ${nothingBut(`'other_body'`)}
      else
        return query select case when kept.request = $5 then 'created' else 'replayed' end, k.place::integer, k.id, k.existing, kept.told[1], kept.told[2], kept.told[3]::json, kept.told[4], kept.told[5]::uuid, kept.told[6]
          from unnest(kept.tasks, kept.existing) with ordinality as k(id, existing, place);
      end if;
      return;
    end if;
    waits_for := 'locked';
    ${creates}
    update idempotency_keys k set tasks = ids, existing = there, told = as_told where k.scope = $1 and k.key = $2;
    ${returns}
  exception
    when lock_not_available then ${nothingBut('waits_for')}
    when sqlstate '${REFUSED}' then ${nothingBut('sqlerrm')}
  end;`,
  })

/** The refusals, by what the routines call them. */
const OUTCOMES: Readonly<Record<string, RefusalCode>> = {
  locked: 'unavailable',
  key_locked: 'idempotency_in_progress',
  other_body: 'idempotency_mismatch',
  unique_locked: 'unique_pending',
  unique_taken: 'unique_taken',
  absent: 'not_found',
  not_ended: 'not_ended',
  no_such_state: 'no_such_state',
  unknown_service: 'unknown_service',
}

/** How long a request is asked again whose outcome is unknown, ms. */
const PATIENCE_MS = 5_000
/** Likewise one that waits for another transaction, by its outcome. */
const LOCKED_MS: Readonly<Record<string, number>> = { locked: 5_000, key_locked: 5_000, unique_locked: 1_000 }
const PAUSE_MS = 100

/** Where such a routine is asked for the first time, and again: those who ask again must not be in the way of the others. */
export interface Asks {
  readonly first: Query
  readonly again: Query
  /** The requests of this node with one key ask one after the other: one connection is enough for all of them. */
  readonly turns: Turns
  readonly seals: Seals
}

/** Runs such a routine until its outcome is known. Throws a `Refusal`, or a `StoreError`. */
export async function askOnce(
  { first, again, turns }: Pick<Asks, 'first' | 'again' | 'turns'>,
  { call }: Routine,
  { key, caller }: { readonly key: RequestKey | undefined; readonly caller: string | null },
  values: readonly unknown[],
): Promise<{ readonly rows: readonly ReturnedRow[]; readonly replayed: boolean }> {
  const { scope, key: text, hash } = key ?? { scope: OWN_SCOPE, key: randomUUID(), hash: Buffer.alloc(0) }
  const all = [key ? `${caller ?? ''} ${scope}` : scope, text, hash, caller, randomUUID(), ...values]
  const begun = performance.now()
  const ask = (tries: number): Promise<ReturnedRow[]> => (tries === 0 ? first : again)(call, all)
  const answer = await turns.run(JSON.stringify([all[0], text]), PATIENCE_MS, () => untilAnswered(ask, begun))
  const rows = answer ?? [{ outcome: 'key_locked' } as ReturnedRow]
  const outcome = rows[0]?.outcome ?? ''
  const code = OUTCOMES[outcome]
  if (code !== undefined) throw new Refusal(code, REFUSALS[code].meaning)
  return { rows, replayed: outcome === 'replayed' }
}

/**
 * Asks again while the outcome is unknown, or another transaction is in the way, for some seconds. Once a try has had an unknown
 * outcome, no later one may say that nothing was created.
 */
async function untilAnswered(
  ask: (tries: number) => Promise<readonly ReturnedRow[]>,
  begun: number,
): Promise<readonly ReturnedRow[]> {
  let locked: readonly ReturnedRow[] | undefined
  let lost: StoreError | undefined
  let patience = PATIENCE_MS
  const late = (): boolean => performance.now() > begun + patience
  for (let tries = 0; ; tries += 1) {
    try {
      const rows = await ask(tries)
      const wait = LOCKED_MS[rows[0]?.outcome ?? '']
      if (wait === undefined) return rows
      locked = rows
      patience = lost ? PATIENCE_MS : wait
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.trouble === 'unknown') [lost, patience] = [error, PATIENCE_MS]
      // P0002: the key's row was deleted between two statements, for its age.
      const passing = isCrowded(error) ? locked !== undefined : sqlState(error.cause) === 'P0002' && !late()
      if (!lost && !passing) throw error
    }
    if (late() && lost) throw lost
    if (late() && locked) return locked
    await sleep(PAUSE_MS)
  }
}
