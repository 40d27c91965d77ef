// The two tables: nodes, and the tasks that they own. docs/protocol.md says what each column is for.
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table nodes (
      id uuid primary key,
      name text not null,
      services text[] not null,
      lease_until timestamptz not null
    );

    create table tasks (
      id bigint generated always as identity primary key,
      key uuid not null,
      token bigint not null default 0,
      node uuid,
      created_at timestamptz not null default now(),
      run_at timestamptz not null default now(),
      started_at timestamptz,
      finished_at timestamptz,
      step integer not null default 0,
      repeats integer not null default 0,
      attempt integer not null default 0,
      fails integer not null default 0,
      crashes integer not null default 0,
      payload_bytes integer not null,
      result_omitted boolean not null default false,
      status text not null default 'pending' check (status in ('pending', 'running', 'complete', 'failed')),
      service text not null,
      action text not null,
      -- json, not jsonb: the caller's text is kept to the byte.
      payload json not null,
      state json,
      result json,
      error json,
      check ((status in ('complete', 'failed')) = (finished_at is not null)),
      check (node is null or status = 'running'),
      check (status <> 'failed' or error is not null)
    );

    -- What the sweep looks for, the oldest of each service first.
    create index tasks_waiting on tasks (service, run_at, id) where node is null and status in ('pending', 'running');
    -- What a node holds, and what dead nodes left behind.
    create index tasks_held on tasks (node) where node is not null;
    -- The list by status alone, and by service alone, whatever lies between two matches (for nulls last see store/reads.ts).
    create index tasks_by_status on tasks (status, id desc nulls last);
    create index tasks_by_service on tasks (service, id desc nulls last);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table tasks; drop table nodes')
}
