// Whose a schedule is, and the tasks of one caller in the order of their ids.
import type { Knex } from 'knex'
import { patiently } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

/** The key that has put a schedule; null: there were no keys. */
const COLUMN = 'alter table schedules add column if not exists caller text'

export async function up(knex: Knex): Promise<void> {
  await patiently(knex, COLUMN)
  // Tasks without a caller have no entry. An index of no rows is there at once.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const index = rows[0]?.used ? 'index concurrently' : 'index'
  await knex.schema.raw(`drop ${index} if exists tasks_by_caller`)
  await knex.schema.raw(
    `create ${index} tasks_by_caller on tasks (caller, id desc nulls last) where caller is not null`,
  )
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop index tasks_by_caller; alter table schedules drop column caller')
}
