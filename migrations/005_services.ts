// What holds for a service on all nodes: a pause, a gate, a limit.
import type { Knex } from 'knex'
import { patiently, run } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

const TABLE = `
  create table if not exists service_state (
    service text collate "C" primary key,
    paused_at timestamptz,
    paused_by text,
    pause_reason text,
    -- Until then no request begins. Behind it one request goes alone, until it is answered.
    gated_until timestamptz,
    gated_by text,
    -- The limit that was set at run time, in place of the file's.
    limits jsonb,
    -- The rate is used up to this time.
    paid_until timestamptz,
    -- Failed ends in a row, where the service pauses itself.
    failed_in_row integer not null default 0
  ) with (fillfactor = 50)`

/** Requests that were granted and whose task was cancelled or deleted: until their node has heard of it they may still be open. */
const CUT = `
  create table if not exists cut_grants (service text collate "C" not null, until timestamptz not null);
  create index if not exists cut_grants_of_service on cut_grants (service, until);
  create or replace function task_api_cut_grant() returns trigger language plpgsql set search_path from current as $body$
  begin
    -- A node that is in touch with Postgres ends the request within 3 s.
    insert into cut_grants values (old.service, clock_timestamp() + interval '3 seconds');
    return null;
  end
  $body$`

const TRIGGERS = `
  drop trigger if exists tasks_cut_grant on tasks;
  create trigger tasks_cut_grant after delete on tasks for each row
    when (old.granted and old.node is not null) execute function task_api_cut_grant();
  drop trigger if exists tasks_cut_grant_kept on tasks;
  create trigger tasks_cut_grant_kept after update of status on tasks for each row
    when (old.granted and old.node is not null and new.status = 'failed' and new.error ->> 'code' = 'cancelled')
    execute function task_api_cut_grant()`

/**
 * Null: no limit has had a say. True: a request is granted, and open as far as Postgres knows. False: the task has begun and waits for its
 * next turn. A column without a default rewrites no row.
 */
const COLUMN = 'alter table tasks add column if not exists granted boolean'

export async function up(knex: Knex): Promise<void> {
  await run(knex, TABLE, CUT)
  await patiently(knex, COLUMN, TRIGGERS)
  // An index of no rows is there at once.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const index = rows[0]?.used ? 'index concurrently' : 'index'
  await knex.schema.raw(`drop ${index} if exists tasks_granted`)
  await knex.schema.raw(`
    create ${index} tasks_granted on tasks (service, granted, run_at, id)
      where granted is not null and status in ('pending', 'running')`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop trigger tasks_cut_grant on tasks; drop trigger tasks_cut_grant_kept on tasks; drop function task_api_cut_grant();
    drop index tasks_granted; alter table tasks drop column granted; drop table service_state, cut_grants`)
}
