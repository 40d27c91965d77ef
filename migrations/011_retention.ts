// How long ended tasks are kept: whether this database has the defaults, whose turn it is to purge, and the index that leads to the oldest.
import type { Knex } from 'knex'
import { run } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

/** One row. A node that purges has the turn until a time. */
const TABLE = `
  create table if not exists retention (
    -- Whether what nobody has set is the default: an older database keeps it for ever.
    by_default boolean not null,
    node uuid,
    turn_until timestamptz not null default now()
  )`

/** A new database has had all its migrations in one batch so far, and never a task. */
const MARK = `
  insert into retention (by_default)
    select count(distinct batch) = 1 and pg_sequence_last_value(pg_get_serial_sequence('tasks', 'id')::regclass) is null
    from task_api_migrations having not exists (select from retention)`

export async function up(knex: Knex): Promise<void> {
  await run(knex, TABLE, MARK)
  // An index of no rows is there at once. One of many is made beside the nodes that are at work.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const index = rows[0]?.used ? 'index concurrently' : 'index'
  await knex.schema.raw(`drop ${index} if exists tasks_ended`)
  await knex.schema.raw(
    `create ${index} tasks_ended on tasks (service, status, finished_at) where finished_at is not null`,
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index tasks_ended; drop table retention')
}
