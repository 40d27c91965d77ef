// Schedules: tasks that are made again and again, at the times of a cron expression.
import type { Knex } from 'knex'
import { run } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

const TABLE = `
  create table if not exists schedules (
    name text collate "C" primary key,
    cron text not null,
    timezone text not null,
    -- The task of each time: json keeps the caller's text to the byte, as in tasks.
    service text not null,
    action text not null,
    payload json not null,
    payload_bytes integer not null,
    options jsonb not null,
    overlap text not null,
    missed text not null,
    paused boolean not null,
    -- The first time for which nothing was decided.
    next_at timestamptz not null,
    last_at timestamptz,
    -- Another one after each PUT: a task is made only from what was read.
    revision uuid not null default gen_random_uuid()
  );
  create index if not exists schedules_due on schedules (next_at) where not paused`

export async function up(knex: Knex): Promise<void> {
  await run(knex, TABLE)
  // The newest task of a schedule, and the list by schedule. An index of no rows is there at once.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const index = rows[0]?.used ? 'index concurrently' : 'index'
  await knex.schema.raw(`drop ${index} if exists tasks_by_schedule`)
  await knex.schema.raw(
    `create ${index} tasks_by_schedule on tasks (schedule, id desc nulls last) where schedule is not null`,
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index tasks_by_schedule; drop table schedules')
}
