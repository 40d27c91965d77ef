// What makes a POST that creates tasks repeatable: its key is a row of the same commit.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal, REFUSALS, type RefusalCode } from '../core/refusal.ts'
import type { RequestKey } from '../core/task.ts'
import { type Columns, type RowOf, typesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf, type Statement } from './routine.ts'
import { sqlState, StoreError } from './trouble.ts'

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
} as const satisfies Columns
export type ReturnedRow = RowOf<typeof RETURNED>

/** The scope of the keys that a node makes itself, for a POST without one: with it an unknown outcome can be asked again. */
const OWN_SCOPE = ''
/** The parameters of every such routine: scope, key, hash of the body, caller. */
const FIRST_TYPES = ['text', 'text', 'bytea', 'text']
/** The number of the first parameter of a routine's own. */
export const FIRST_OWN = FIRST_TYPES.length + 1

/** The SQLSTATE with which a routine refuses: all that it has done is undone. */
const REFUSED = 'TA001'
/** PL/pgSQL: refuses. */
export const refuseWith = (outcome: string): string =>
  `raise exception using errcode = '${REFUSED}', message = '${outcome}';`
const nothingBut = (outcome: string): string =>
  `return query select ${outcome}, null::integer, null::bigint, null::boolean, null::text, null::text, null::json, null::text;`

interface Body extends Pick<Statement, 'name' | 'types' | 'declared'> {
  /** PL/pgSQL: creates the tasks, and sets `ids` and `there`: whether each had been there. May set `as_told`. */
  readonly creates: string
  /** Returns the rows of RETURNED. */
  readonly returns: string
}

/**
 * Makes a routine. The key comes first: a repeat waits there until the first has committed, and then finds what that has created. A wait
 * for a lock ends after a second, and what was done so far is undone.
 */
export const idempotentRoutine = ({ name, types, declared = '', creates, returns }: Body): Routine =>
  routineOf({
    name,
    types: [...FIRST_TYPES, ...types],
    returns: typesOf(RETURNED),
    settings: ['lock_timeout = 1000'],
    declared: `
  locked text := 'key_locked';
  kept record;
  ids bigint[];
  there boolean[];
  as_told text[];${declared}`,
    sql: `
  begin
    insert into idempotency_keys (scope, key, hash) values ($1, $2, $3) on conflict do nothing;
    if not found then
      select k.hash, k.tasks, k.existing, k.told into strict kept from idempotency_keys k where k.scope = $1 and k.key = $2;
      if kept.hash <> $3 then
        ${nothingBut(`'other_body'`)}
      else
        return query select 'replayed', k.place::integer, k.id, k.existing, kept.told[1], kept.told[2], kept.told[3]::json, kept.told[4]
          from unnest(kept.tasks, kept.existing) with ordinality as k(id, existing, place);
      end if;
      return;
    end if;
    locked := 'unique_locked';
    ${creates}
    update idempotency_keys k set tasks = ids, existing = there, told = as_told where k.scope = $1 and k.key = $2;
    ${returns}
  exception
    when lock_not_available then ${nothingBut('locked')}
    when sqlstate '${REFUSED}' then ${nothingBut('sqlerrm')}
  end;`,
  })

/** The refusals, by what the routines call them. */
const OUTCOMES: Readonly<Record<string, RefusalCode>> = {
  key_locked: 'idempotency_in_progress',
  other_body: 'idempotency_mismatch',
  unique_locked: 'unique_pending',
  unique_taken: 'unique_taken',
  absent: 'not_found',
  not_ended: 'not_ended',
  no_such_state: 'no_such_state',
  unknown_service: 'unknown_service',
}

/** How long a request is asked again whose outcome is unknown, or that waits for another one with its key, ms. */
const PATIENCE_MS = 5_000
const PAUSE_MS = 100

/** Runs such a routine until its outcome is known. Throws a `Refusal`, or a `StoreError`. */
export async function askOnce(
  query: Query,
  { call }: Routine,
  { key, caller }: { readonly key: RequestKey | undefined; readonly caller: string | null },
  values: readonly unknown[],
): Promise<{ readonly rows: readonly ReturnedRow[]; readonly replayed: boolean }> {
  const { scope, key: text, hash } = key ?? { scope: OWN_SCOPE, key: randomUUID(), hash: Buffer.alloc(0) }
  const all = [key ? `${caller ?? ''} ${scope}` : scope, text, hash, caller, ...values]
  const { rows, before } = await untilAnswered(() => query<ReturnedRow>(call, all))
  const outcome = rows[0]?.outcome ?? ''
  const code = OUTCOMES[outcome]
  if (code !== undefined) throw new Refusal(code, REFUSALS[code].meaning)
  // What an earlier try of this request has created, whose answer was lost, is no replay.
  return { rows, replayed: key !== undefined && outcome === 'replayed' && !before }
}

interface Answer {
  readonly rows: readonly ReturnedRow[]
  /** Whether an earlier try may have been the one that counts. */
  readonly before: boolean
}

/**
 * Asks again while the outcome is unknown or another request with the key is under way, for some seconds. Once a try has had an unknown
 * outcome, no later one may say that nothing was created.
 */
async function untilAnswered(ask: () => Promise<readonly ReturnedRow[]>): Promise<Answer> {
  const end = performance.now() + PATIENCE_MS
  let lost: StoreError | undefined
  for (;;) {
    const late = performance.now() > end
    try {
      const rows = await ask()
      const locked = rows[0]?.outcome === 'key_locked'
      if (!locked || (late && !lost)) return { rows, before: lost !== undefined }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.trouble === 'unknown') lost = error
      // P0002: the key's row was deleted between two statements, for its age.
      const again = lost !== undefined || sqlState(error.cause) === 'P0002'
      if (!again || (late && !lost)) throw error
    }
    if (late && lost) throw lost
    await sleep(PAUSE_MS)
  }
}
