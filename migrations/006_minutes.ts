// What the tasks of each service came to, by the minute.
import type { Knex } from 'knex'
import { run } from './patiently.ts'

/** A primary key whose first column is the minute: old rows are its head, and a minute of a service is one look. */
const TABLE = `
  create table if not exists minutes (
    minute timestamptz not null,
    service text collate "C" not null,
    -- Whoever counted: each node has rows of its own, so no two write one.
    node uuid not null,
    created integer not null,
    complete integer not null,
    failed integer not null,
    primary key (minute, service, node)
  )`

export async function up(knex: Knex): Promise<void> {
  await run(knex, TABLE)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table minutes')
}
