// The events of Postgres and Redis, as a node sees them.
import type { EventRow } from '../row.ts'

export const POSTGRES = {
  postgres_unreachable: {
    level: 'error',
    text: 'postgres is unreachable',
    fields: ['why'],
    meaning: 'A statement did not get through. Logged once.',
    action: 'See [Postgres gone](#failure-modes).',
  },
  postgres_back: {
    level: 'info',
    text: 'postgres is back',
    fields: [],
    meaning: 'Statements get through again.',
    action: 'Nothing.',
  },
  postgres_refuses_writes: {
    level: 'error',
    text: 'postgres refuses writes',
    fields: ['why'],
    meaning:
      'Postgres answers, and refused a write. `why`: `No space left on device`, `read-only transaction`, `too many clients`, or `canceling statement … after 3.5 s`, as when someone has locked the table. Logged once.',
    action: 'See [Postgres refuses writes](#failure-modes).',
  },
  postgres_takes_writes: {
    level: 'info',
    text: 'postgres takes writes again',
    fields: [],
    meaning: 'Writes get through again.',
    action: 'Nothing.',
  },
} as const satisfies Record<string, EventRow>

export const REDIS = {
  redis_unreachable: {
    level: 'warn',
    text: 'redis is unreachable, tasks are found by full passes',
    fields: ['reason'],
    meaning:
      'No ids and cancel notices for now. `reason` also names a command, a database or a key that Redis refuses.',
    action: 'Mend Redis, or `REDIS_URL`. Nothing is lost meanwhile.',
  },
  redis_back: {
    level: 'info',
    text: 'redis is back',
    fields: [],
    meaning: 'Redis is used again.',
    action: 'Nothing.',
  },
  redis_refuses_connection: {
    level: 'warn',
    text: 'redis refuses a connection',
    fields: ['connection', 'reason'],
    meaning: 'One of the three connections fails while another works: most likely the Redis user lacks rights.',
    action: 'See [Redis rights](#redis).',
  },
  redis_refuses_commands: {
    level: 'warn',
    text: 'redis refuses commands that are used; tasks begin all the same',
    fields: ['reasons'],
    meaning: 'The Redis user lacks rights. `/readyz` says `degraded`.',
    action: 'See [Redis rights](#redis).',
  },
  redis_key_deleted: {
    level: 'warn',
    text: 'a key of redis was not a list of ids, and was deleted',
    fields: ['key'],
    meaning: 'Another program writes keys that begin with `REDIS_PREFIX`.',
    action: 'Give that program, or task_api, another prefix.',
  },
} as const satisfies Record<string, EventRow>

export const EMBEDDED = {
  embedded_ended: {
    level: 'error',
    text: 'the embedded Postgres ended unexpectedly; it is started again',
    fields: ['how'],
    meaning: 'The embedded Postgres died.',
    action: 'Look at `DATA_DIR/postgres.log`, memory and disk.',
  },
  embedded_start_failed: {
    level: 'error',
    text: 'the embedded Postgres cannot be started again yet',
    fields: ['err', 'again'],
    meaning: 'The embedded Postgres died and could not be started again. The next try follows.',
    action: 'Look at `err`, `DATA_DIR/postgres.log`, memory and disk.',
  },
  embedded_back: {
    level: 'info',
    text: 'the embedded Postgres is back',
    fields: ['pid'],
    meaning: 'The embedded Postgres was started again.',
    action: 'Nothing.',
  },
  embedded_taken_over: {
    level: 'info',
    text: 'the Postgres of a node that was killed is taken over',
    fields: ['pid'],
    meaning: 'At the start the embedded Postgres of an earlier node still ran. This node uses it.',
    action: 'Nothing.',
  },
  embedded_copied: {
    level: 'info',
    text: 'copying Postgres to where its account can reach it',
    fields: ['folder'],
    meaning: 'The account of the embedded Postgres cannot read `node_modules`. The binaries are copied once.',
    action: 'Nothing.',
  },
  embedded_stop_slow: {
    level: 'warn',
    text: 'the embedded Postgres does not stop',
    fields: ['pid', 'signal'],
    meaning: 'The embedded Postgres did not end after `signal`. The next, harder signal follows.',
    action: 'Nothing.',
  },
} as const satisfies Record<string, EventRow>
