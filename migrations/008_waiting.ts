// An index of the tasks of callers with a name that wait: a quota counts them. Plain rows, which have no caller, are not in it.
import type { Knex } from 'knex'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index concurrently if exists tasks_waiting_of_callers')
  await knex.schema.raw(`
    create index concurrently tasks_waiting_of_callers on tasks (caller)
      where caller is not null and status = 'pending'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index tasks_waiting_of_callers')
}
