// How a node takes rows of a service with a limit: Postgres grants each request, one node at a time.
import type { Terms } from '../core/limit.ts'
import { CLAIMED, type ClaimedRow, LOOK, type StoredRow } from './claimed.ts'
import { claimWith, type Granting } from './claim-routine.ts'
import { type Claimant, type Seen, tasksOf, valuesOfClaim, type Wanted } from './claims.ts'
import { valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { OPEN_GRANT } from './sql.ts'

/**
 * Why no more was granted:
 * - `busy`   another node is asking
 * - `paused` and `gated`: nothing may begin
 * - `full`   as many requests are open as may be
 * - `spent`  the rate is used up
 */
export type Denial = 'busy' | 'paused' | 'gated' | 'full' | 'spent'

/** What a claim of a limited service brought. */
export interface Granted {
  readonly rows: readonly ClaimedRow[]
  /** Null: there was nothing more, or no more was asked for. */
  readonly denied: Denial | null
  /** Milliseconds until the rate allows the next request, where it is used up. */
  readonly wait: number
  /** What waits still. */
  readonly seen: Seen
}

/** The row behind those of tasks: what the claim has seen, and why no more was granted. */
const ANSWER = { ...CLAIMED, ...LOOK, action: ['text', 'why'], age: ['double precision', 'pause'] } as const

/** How much further ahead than one burst a rate may be without being cut. */
const SLACK = `interval '2 seconds'`

// The row of the service is locked first. What is open is counted by a later statement: its snapshot is newer than the lock, so it has
// whatever the last claim has granted. Lock and count in one statement would share a snapshot.
// The rate is a generic cell rate algorithm: `paid_until` moves on by an interval for each request, and may be `burst` intervals ahead.
// Source: ITU-T I.371, the virtual scheduling algorithm. Further ahead it is only where the rate was slower before, or the clock has gone
// back: all but one burst of that is forgotten, or a rate by the hour would bind for hours after it was raised. What is ahead by less than
// SLACK more is waited for: while a limit changes, nodes ask by two limits in turn, and what the one forgets the other would give again.
const GRANT: Granting = {
  name: 'grant',
  types: ['integer', 'double precision', 'double precision'],
  declared: `state record; allowed integer; most integer; moment timestamptz; paid timestamptz; began integer; why text; pause double precision := 0;`,
  before: `
  select s.* into state from service_state s where s.service = $3[1] for update skip locked;
  if not found then
    insert into service_state (service) values ($3[1]) on conflict do nothing;
    select s.* into state from service_state s where s.service = $3[1] for update skip locked;
  end if;
  -- Where all of a transaction has one snapshot, what was granted since then must be an error: this write makes it one.
  if current_setting('transaction_isolation') <> 'read committed' then
    update service_state s set paid_until = s.paid_until where s.service = $3[1];
  end if;
  moment := clock_timestamp();
  why := case when state.service is null then 'busy' when state.paused_at is not null then 'paused' when state.gated_until > moment then 'gated' end;
  allowed := case when why is null then $4[1] else 0 end;
  most := least($14, case when state.gated_until is not null then 1 end);
  if allowed > 0 then
    delete from cut_grants c where c.service = $3[1] and c.until <= moment;
  end if;
  if allowed > 0 and most is not null then
    most := most - (select count(*) from cut_grants c where c.service = $3[1]) - (select count(*) from (
      select from tasks t where t.service = $3[1] and ${OPEN_GRANT}
      order by t.run_at, t.id limit most
    ) open);
    if most < allowed then why := 'full'; allowed := greatest(most, 0); end if;
  end if;
  paid := greatest(state.paid_until, moment);
  if paid > moment + $16 * $15 * interval '1 millisecond' + ${SLACK} then
    paid := moment + $16 * $15 * interval '1 millisecond';
    update service_state s set paid_until = paid where s.service = $3[1];
  end if;
  if allowed > 0 and $15 is not null then
    most := floor($16 - extract(epoch from paid - moment) * 1000 / $15);
    if most < allowed then why := 'spent'; allowed := greatest(most, 0); end if;
  end if;`,
  after: `get diagnostics began = row_count;
  if began > 0 and $15 is not null then
    paid := paid + began * $15 * interval '1 millisecond';
    update service_state s set paid_until = paid where s.service = $3[1];
  end if;
  if began < allowed then why := null; end if;
  if why = 'spent' then pause := extract(epoch from paid - moment) * 1000 - ($16 - 1) * $15; end if;
  return query select ${valuesOf(ANSWER)} from unnest($3) as w(service);`,
}

/** The statements: see `CLAIMS`. */
export const GRANTS = { plain: claimWith(false, GRANT), inTurns: claimWith(true, GRANT) } as const

/** Claims the first due rows of a service that its limit allows; one request each is granted. Throws a `StoreError`. */
export async function grantDue(
  query: Query,
  by: Omit<Claimant, 'takesOver'>,
  service: string,
  asked: Wanted,
  { concurrency, interval, burst }: Terms,
): Promise<Granted & { readonly rows: readonly StoredRow[] }> {
  const { call } = asked.begun === undefined ? GRANTS.plain : GRANTS.inTurns
  const wanted = new Map([[service, asked]])
  const values = valuesOfClaim({ ...by, takesOver: false }, { wanted, limit: asked.count, grace: 0 })
  const rows = await query<StoredRow>(call, [...values, concurrency, interval, burst])
  const answer = rows.find(({ id }) => id === null)
  return {
    rows: tasksOf(rows),
    denied: (answer?.action ?? null) as Denial | null,
    wait: answer?.age ?? 0,
    seen: { service, levels: answer?.level ?? 0, next: answer?.deadline ?? null },
  }
}
