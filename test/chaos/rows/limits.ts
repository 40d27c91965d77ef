// Services with limits, which are changed, paused and resumed while nodes, Redis and Postgres fail. The referee counts at the service.
import { setTimeout as passed } from 'node:timers/promises'
import { BINDS, type Grant, type Regime, type Seen, overdrawn, tooMany, used } from '../counted.ts'
import { type Fault, NORMAL, long } from '../faults/fault.ts'
import { freeze, kill } from '../faults/nodes.ts'
import { POSTGRES_FAULTS } from '../faults/postgres.ts'
import { REDIS_FAULTS } from '../faults/redis.ts'
import { LIMITS, NAMES, type Name, Trial } from '../limited.ts'
import type { Way } from '../link.ts'
import type { Rig } from '../rig.ts'
import { type At, type Figures, type Row, hold, inRig } from '../row.ts'
import { serviceAt } from '../services.ts'

const CALLERS = 6
/** In place of the file's limits for a while. */
const LOWER = { limited: { concurrency: 3, rate: '20/s', burst: 5 }, narrow: { concurrency: 2 } } as const
const PER_MS = { usual: 50 / 1_000, lower: 20 / 1_000 }
const LOWERED = BINDS + 2_000

/** Longer than a lease, ms at full times. */
const HELD = 14_000
/** A node without its Postgres. */
const cutOff = (way: Way): Fault => ({
  name: `link to postgres: ${way}`,
  group: 'links',
  normal: NORMAL.node,
  strike: (rig, random) =>
    rig.withMember(random, ({ name, links }) =>
      rig.span({ name: `postgres ${way}`, of: name, cancelWithin: 8_000 }, async () => {
        links.postgres.set(way)
        await long(rig, HELD)
        links.postgres.set('open')
      }),
    ),
})
const wanted = (names: readonly string[], of: readonly Fault[]): readonly Fault[] =>
  names.flatMap((name) => of.filter((fault) => fault.name === name))
const FAULTS: readonly Fault[] = [
  kill,
  ...wanted(['Redis: FLUSHALL', 'Postgres: immediate restart'], [...REDIS_FAULTS, ...POSTGRES_FAULTS]),
  freeze,
  ...wanted(['Redis: killed, and back empty', 'Postgres: kill -9'], [...REDIS_FAULTS, ...POSTGRES_FAULTS]),
  cutOff('cut'),
  cutOff('halfOpen'),
]

/** What each grant leaves behind: the times between which Postgres reckoned. */
const NOTED = `
  create table chaos_grants (service text, since timestamptz, at timestamptz);
  create function chaos_note() returns trigger language plpgsql as $$
    begin insert into public.chaos_grants values (new.service, statement_timestamp(), clock_timestamp()); return null; end $$;
  create trigger chaos_noted after update on tasks for each row when (new.granted and old.granted is not true) execute function chaos_note()`
const inMs = (column: string): string => `(extract(epoch from ${column}) * 1000)::double precision as ${column}`

async function limitAll(rig: Rig, { count, log }: At): Promise<Figures> {
  await rig.postgres.sql(NOTED)
  const trial = new Trial(rig)
  const random = rig.random.fork('faults')
  const posting = Promise.all(Array.from({ length: CALLERS }, () => trial.post()))
  const striking = (async () => {
    await trial.rest()
    for (let i = 0; i < count; i += 1) {
      const fault = FAULTS[i % FAULTS.length] as Fault
      log(fault.name)
      await fault.strike(rig, random)
      if (i % 4 === 1) {
        await trial.limit(LOWER)
        await passed(LOWERED)
        await trial.limit(undefined)
      }
      if (i % 4 === 3) {
        log('pause')
        await trial.pause(i % 8 === 3, random)
      }
    }
    if (count > FAULTS.length) await trial.rest()
  })().finally(() => (trial.over = true))
  for (const end of await Promise.allSettled([striking, posting])) if (end.status === 'rejected') throw end.reason
  await rig.normal(60_000, true)
  return judgeLimits(rig, trial)
}

async function judgeLimits(rig: Rig, { seen, regimes, pauses, calm }: Trial): Promise<Figures> {
  const spans = [...rig.spans, ...rig.members.flatMap(({ lapses }) => lapses)]
  const inForce = (name: 'limited' | 'narrow'): Regime[] =>
    regimes.map(({ from, limit }) => ({ from, limit: limit.rate === undefined ? LIMITS[name] : LOWER[name] }))
  const of = (name: Name): Seen[] => seen.filter(({ service }) => service === name)
  const excess = (['limited', 'narrow'] as const).flatMap((name) => tooMany(of(name), inForce(name), spans))
  const grants = await rig.postgres.sql<Grant & Record<string, unknown>>(
    `select ${inMs('since')}, ${inMs('at')} from chaos_grants where service = 'limited' order by chaos_grants.at`,
  )
  const lowered = regimes.flatMap(({ from, limit }, i) =>
    limit.rate === undefined
      ? []
      : grants.filter(({ since, at }) => since > from + BINDS && at < (regimes[i + 1]?.from ?? 0)),
  )
  const [over, overLower] = [
    overdrawn(grants, PER_MS.usual, LIMITS.limited.burst),
    overdrawn(lowered, PER_MS.lower, LOWER.limited.burst),
  ]
  const inPause = seen.filter(({ at }) => pauses.some(({ from, to }) => at > from && at < to))
  const percent = (shares: readonly number[]): string => shares.map((share) => (share * 100).toFixed(1)).join(', ')
  hold({
    [`more open than granted, ${excess.length} times: ${excess.slice(0, 3).join('; ')}`]: excess.length === 0,
    [`${over} more granted in a time than ${LIMITS.limited.rate}`]: over <= 0,
    [`${overLower} more granted in a time than ${LOWER.limited.rate}`]: overLower <= 0,
    [`${inPause.length} requests began in a pause: ${JSON.stringify(inPause.slice(0, 3))}`]: inPause.length === 0,
  })
  return {
    'requests of limited services': seen.length,
    grants: grants.length,
    'pauses, limits changed': `${pauses.length}, ${regimes.length - 1}`,
    'nearest to the rate': over.toFixed(1),
    'waiting then': calm.map(({ waiting }) => waiting).join(', '),
    'concurrency used, %': percent(calm.map(({ from, to }) => used(of('narrow'), LIMITS.narrow.concurrency, from, to))),
    'rate used, %': percent(
      calm.map(
        ({ from, to }) => grants.filter(({ at }) => at >= from && at < to).length / (PER_MS.usual * (to - from)),
      ),
    ),
  }
}

export const limitsRow: Row = {
  name: 'limits',
  fault:
    'nodes killed, frozen and cut off, Redis flushed and killed, Postgres restarted, while services have limits that are changed, and are paused and resumed; loops, retries and deletions among the tasks',
  count: 40,
  fullCount: 8,
  promise:
    'never more requests open than the limit, but for those of frozen or cut-off nodes; never more grants in a time than burst and rate; no request in a pause',
  run: (at) =>
    inRig(
      {
        seed: at.seed,
        scale: at.scale,
        services: (port, node) =>
          Object.fromEntries(
            NAMES.map((name) => [
              name,
              { ...serviceAt(port, node), ...(LIMITS[name] && { limit: LIMITS[name] }), concurrency: 20 },
            ]),
          ),
      },
      (rig) => limitAll(rig, at),
      120_000,
    ),
}
