// The faults of a Postgres that can be set up on a database of its own.
import pg from 'pg'
import { engines } from '../../support/engines.ts'
import type { Expected } from './cases.ts'

/** Runs SQL on the database of a case. `ROLE` stands for a role of its own, `DB` for the database. */
export type Sql = (text: string) => Promise<unknown>

/** A fault, and what the doctor must find. */
export interface Case extends Expected {
  readonly spoil: (sql: Sql) => Promise<unknown>
  /** Undoes what outlives the database. */
  readonly mendIt?: string
  /** Whether the database has no tables yet. */
  readonly empty?: true
  /** Whether the doctor comes as the role, which owns nothing. */
  readonly stranger?: true
}

const RIGHTS = /own the database, or grant/
const GRANTS = `grant all on all tables in schema public to ROLE; grant all on all sequences in schema public to ROLE;
  grant create on schema public to ROLE`

/** By what the Postgres does. */
export const CASES: Readonly<Record<string, Case>> = {
  'lets its role make nothing': {
    empty: true,
    stranger: true,
    spoil: (sql) => sql('revoke create on schema public from public'),
    check: 'postgres.rights',
    state: 'fault',
    what: /may not create anything in the schema public/,
    mend: RIGHTS,
  },
  'has tables that its role may not use': {
    stranger: true,
    spoil: (sql) => sql(`${GRANTS}; revoke update on tasks from ROLE; revoke all on minutes from ROLE`),
    check: 'postgres.rights',
    state: 'fault',
    what: /may not use minutes, tasks$/,
    mend: RIGHTS,
  },
  'has tables of another owner, and migrations to come': {
    stranger: true,
    spoil: (sql) => sql(`${GRANTS}; delete from task_api_migrations where name like '006%'`),
    check: 'postgres.rights',
    state: 'fault',
    what: /does not own the tables/,
    mend: RIGHTS,
  },
  'has no schema for its role': {
    empty: true,
    stranger: true,
    spoil: (sql) => sql('alter role ROLE set search_path = nowhere'),
    check: 'postgres.schema',
    state: 'fault',
    what: /no schema/,
    mend: /Create the schema/,
  },
  'has tables of others': {
    empty: true,
    spoil: (sql) => sql('create table tasks (id bigint, title text)'),
    check: 'postgres.schema',
    state: 'fault',
    what: /tables of others: tasks/,
    mend: /empty database/,
  },
  'was migrated by a newer release': {
    spoil: (sql) => sql(`insert into task_api_migrations (name, batch, migration_time) values ('999_later', 9, now())`),
    check: 'postgres.migrations',
    state: 'fault',
    what: /newer release .*999_later/,
    mend: /Install that release/,
  },
  'was migrated by an older release': {
    spoil: (sql) => sql(`delete from task_api_migrations where name like '006%'`),
    check: 'postgres.migrations',
    state: 'warning',
    what: /006_minutes to come/,
    mend: /Update all nodes/,
  },
  'takes no writes': {
    spoil: (sql) => sql('alter database DB set default_transaction_read_only = on'),
    check: 'postgres.writes',
    state: 'fault',
    what: /read-only/,
    mend: /default_transaction_read_only off/,
  },
  'has another isolation': {
    spoil: (sql) => sql('alter database DB set default_transaction_isolation = serializable'),
    check: 'postgres.isolation',
    state: 'warning',
    what: /serializable/,
    mend: /read committed/,
  },
  'gives statements too little time': {
    spoil: (sql) => sql('alter database DB set statement_timeout = 900'),
    check: 'postgres.timeout',
    state: 'warning',
    what: /900 ms/,
    mend: /statement_timeout = 0/,
  },
  'may forget what it has committed': {
    spoil: (sql) => sql('alter database DB set synchronous_commit = off'),
    check: 'postgres.durability',
    state: 'warning',
    // The Postgres of the tests runs without fsync.
    what: /fsync|synchronous_commit/,
    mend: /synchronous_commit on/,
  },
  'allows its role too few connections': {
    stranger: true,
    spoil: (sql) => sql(`${GRANTS}; alter role ROLE connection limit 20`),
    check: 'postgres.connections',
    state: 'warning',
    what: /^20 connections are allowed, and 1 node may need 32$/,
    mend: /max_connections/,
  },
  'allows too few connections for the nodes that run': {
    spoil: async (sql) => {
      await sql('alter database DB connection limit 60')
      await sql(`insert into nodes (id, name, services, lease_until)
        select gen_random_uuid(), 'n', '{}', now() + interval '1 hour' from generate_series(1, 2)`)
    },
    check: 'postgres.connections',
    state: 'warning',
    what: /^60 connections are allowed, and 2 nodes may need 62$/,
  },
  'does not vacuum its tasks': {
    spoil: (sql) => sql('alter table tasks set (autovacuum_enabled = false)'),
    check: 'postgres.vacuum',
    state: 'warning',
    what: /off for tasks/,
    mend: /reset \(autovacuum_enabled\)/,
  },
  'cannot write a temporary file': {
    spoil: (sql) => sql(`alter database DB set temp_file_limit = '1MB'`),
    check: 'postgres.disk',
    state: 'fault',
    what: /temp_file_limit/,
    mend: /Raise temp_file_limit/,
  },
  'keeps what a slot without a reader may want': {
    spoil: (sql) => sql(`select pg_create_physical_replication_slot('idle_slot', true)`),
    mendIt: `select pg_drop_replication_slot('idle_slot')`,
    check: 'postgres.slots',
    state: 'warning',
    what: /idle_slot/,
    mend: /pg_drop_replication_slot/,
  },
  'has a session that locks tasks': {
    spoil: (sql) => sql('begin; lock table tasks in exclusive mode'),
    check: 'postgres.locks',
    state: 'fault',
    what: /^session \d+ has locked tasks/,
    mend: /pg_terminate_backend/,
  },
  'has dead entries in the index of due tasks': {
    spoil: async (sql) => {
      await sql('alter table tasks set (autovacuum_enabled = false)')
      await sql(`insert into tasks (key, service, action, payload, payload_bytes)
        select gen_random_uuid(), 'svc', 'a', to_json(repeat('x', 1500)), 1502 from generate_series(1, 8000)`)
      await sql('begin isolation level repeatable read; select count(*) from tasks')
      const other = new pg.Client((await engines()).databaseUrl.replace(/[^/]+$/, await nameOf(sql)))
      await other.connect()
      await other.query(`update tasks set status = 'complete', finished_at = now(), result = '1'`)
      await other.end()
    },
    check: 'postgres.index',
    state: 'warning',
    what: /^\d+ pages are read .* dead entries$/,
    mend: /vacuum tasks/,
  },
}

const nameOf = async (sql: Sql): Promise<string> => {
  const { rows } = (await sql('select current_database() as name')) as { rows: { name: string }[] }
  return rows[0]?.name ?? ''
}
