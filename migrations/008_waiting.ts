// An index of the tasks with a caller that have not begun: a quota counts them. Plain tasks, which have no caller, are not in it.
import type { Knex } from 'knex'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

/** Written so that only the count of src/store/waiting.ts uses the index, and no other index serves that count. */
const INDEX = `tasks_waiting_of_callers on tasks (coalesce(caller, '')) where (caller is not null and status = 'pending') is true`

export async function up(knex: Knex): Promise<void> {
  // An index of no rows is there at once.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const index = rows[0]?.used ? 'index concurrently' : 'index'
  await knex.schema.raw(`drop ${index} if exists tasks_waiting_of_callers`)
  await knex.schema.raw(`create ${index} ${INDEX}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index tasks_waiting_of_callers')
}
