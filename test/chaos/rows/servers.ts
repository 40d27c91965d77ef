// Redis and Postgres that fail.
import { POSTGRES_FAULTS } from '../faults/postgres.ts'
import { REDIS_FAULTS } from '../faults/redis.ts'
import type { Fault } from '../faults/fault.ts'
import type { At, Row } from '../row.ts'
import { strikeAll } from '../struck.ts'

/** All of them in a counted run; at full times two, so that the three runs have each once. */
const partOf = (faults: readonly Fault[], { seed, scale }: At): readonly Fault[] => {
  const first = (seed % 3) * 2
  return scale === 1 ? faults.slice(first, first + 2) : faults
}

export const redisRow: Row = {
  name: 'redis',
  fault: 'Redis killed and back empty, flushed, frozen 10 s, its clients killed, strings for lists, 100,000 junk ids',
  count: 5,
  fullCount: 1,
  promise: 'no repeated request; normal within 5 s',
  run: (at) => strikeAll({ faults: partOf(REDIS_FAULTS, at), rate: 100, pause: 500, served: true }, at),
}

export const postgresRow: Row = {
  name: 'pg',
  fault:
    'Postgres killed, restarted, its backends terminated, frozen 20 s, without a free connection, tasks locked 10 s',
  count: 5,
  fullCount: 1,
  promise: 'no repeated request; normal within 8 s of its return',
  scale: 2,
  run: (at) => strikeAll({ faults: partOf(POSTGRES_FAULTS, at), rate: 60, pause: 500 }, at),
}
