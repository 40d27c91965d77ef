// The order of waiting tasks has a level: high, normal, low. Nodes of the release before go on working meanwhile.
import type { Knex } from 'knex'
import { patiently } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

export async function up(knex: Knex): Promise<void> {
  // 0 high, 1 normal, 2 low. A constant default rewrites no row.
  await patiently(knex, 'alter table tasks add column if not exists priority smallint not null default 1')
  // Room in each page for the next version of its rows: a step of a loop then changes no index.
  await patiently(knex, 'alter table tasks set (fillfactor = 70)')
  await knex.schema.raw('drop index concurrently if exists tasks_due')
  await knex.schema.raw(`
    create index concurrently tasks_due on tasks (service, priority, run_at, id)
      where node is null and status in ('pending', 'running')`)
  await knex.schema.raw('drop index concurrently if exists tasks_waiting')
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create index tasks_waiting on tasks (service, run_at, id) where node is null and status in ('pending', 'running');
    drop index tasks_due;
    alter table tasks reset (fillfactor);
    alter table tasks drop column priority`)
}
