// What the metrics, the statistics and the traces need: times by the minute, the last beat of a node, the trace of a task.
import type { Knex } from 'knex'
import { patiently, run } from './patiently.ts'

export const config = { transaction: false }

/** Columns without a default rewrite no row. Nodes of the release before leave them null. */
const COLUMNS: Readonly<Record<string, string>> = {
  /** The first bucket of times that is not empty, and the counts from there on: src/core/buckets.ts. */
  minutes: 'add column if not exists queue integer[], add column if not exists request integer[]',
  nodes: 'add column if not exists beat_at timestamptz',
  /** Null: the trace begins with the task, and its id is the key of the task. */
  tasks: 'add column if not exists trace text',
}

/** A callback, and a retry, go on with the trace of the first task. Without this a task is inserted at the cost of one comparison. */
const INHERIT = `
  create or replace function task_api_inherit_trace() returns trigger language plpgsql set search_path from current as $body$
  begin
    select coalesce(t.trace, '00-' || replace(t.key::text, '-', '') || '-' || left(replace(t.key::text, '-', ''), 16) || '-01') into new.trace
      from tasks t where t.id = coalesce(new.callback_of, new.retry_of);
    return new;
  end
  $body$`

const TRIGGER = `
  drop trigger if exists tasks_inherit_trace on tasks;
  create trigger tasks_inherit_trace before insert on tasks for each row
    when (new.trace is null and (new.callback_of is not null or new.retry_of is not null))
    execute function task_api_inherit_trace()`

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of Object.entries(COLUMNS)) await patiently(knex, `alter table ${table} ${columns}`)
  await run(knex, INHERIT)
  await patiently(knex, TRIGGER)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop trigger tasks_inherit_trace on tasks; drop function task_api_inherit_trace();
    alter table tasks drop column trace; alter table nodes drop column beat_at;
    alter table minutes drop column queue, drop column request`)
}
