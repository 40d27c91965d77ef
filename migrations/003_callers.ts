// What callers ask for beside a plain task: later, first, once, labelled, called back, tried again. And what tells them of it.
import type { Knex } from 'knex'
import { patiently, run } from './patiently.ts'

/** `create index concurrently` cannot run in a transaction. Each statement may be repeated after a migration that was cut off. */
export const config = { transaction: false }

const NOT_ENDED = `status in ('pending', 'running')`

/** Columns without a default rewrite no row. Null: not given. */
const COLUMNS = `
  alter table tasks
    add column if not exists due_at timestamptz,
    add column if not exists deadline_ms bigint,
    add column if not exists expires_at timestamptz,
    add column if not exists labels jsonb,
    add column if not exists unique_key text,
    add column if not exists callback jsonb,
    add column if not exists callback_of bigint,
    add column if not exists caller text,
    add column if not exists retry_of bigint,
    add column if not exists retried_as bigint,
    add column if not exists first_step integer,
    add column if not exists schedule text`

const NODES = `
  alter table nodes
    add column if not exists version text,
    add column if not exists since timestamptz not null default now(),
    add column if not exists slots integer,
    add column if not exists running integer,
    add column if not exists use jsonb,
    add column if not exists callbacks jsonb`

const TABLES = `
  -- The labels of a task, as name=value, so that a page by label is read along an index.
  create table if not exists task_labels (label text, task bigint, primary key (label, task));
  -- The tries of a task, the oldest first.
  create table if not exists attempts (
    task bigint not null,
    id bigint generated always as identity,
    step integer not null,
    attempt integer not null,
    started_at timestamptz not null,
    ms integer not null,
    node text,
    outcome text not null,
    detail text,
    wait_ms double precision,
    body text,
    state json,
    primary key (task, id)
  );
  create index if not exists attempts_states on attempts (task, step) where state is not null;
  -- What a POST with a key has created. A POST without a key has one of its own for some minutes.
  create table if not exists idempotency_keys (
    scope text not null,
    key text not null,
    hash bytea not null,
    -- The request that has created them: asked again after a lost reply, it is no repeat.
    request uuid,
    tasks bigint[],
    existing boolean[],
    -- Service, action, payload and status of a task that the caller does not know: what a repeat is told, also when the task is gone.
    told text[],
    created_at timestamptz not null default now(),
    primary key (scope, key)
  );
  create index if not exists idempotency_keys_of_callers on idempotency_keys (created_at) where scope <> '';
  create index if not exists idempotency_keys_of_nodes on idempotency_keys (created_at) where scope = '';`

const INDEXES: Readonly<Record<string, string>> = {
  tasks_unique: `unique index tasks_unique on tasks (service, unique_key) where unique_key is not null and ${NOT_ENDED}`,
  tasks_expiry: `index tasks_expiry on tasks (service, expires_at) where node is null and ${NOT_ENDED} and deadline_ms is not null`,
  tasks_parked: `index tasks_parked on tasks (service, coalesce(due_at, created_at)) where node is null and status = 'running' and deadline_ms is null`,
}

/** The task that a callback asks for, in the commit that ends the first, whichever statement of whichever release ends it. */
const CALL_BACK = `
  create or replace function task_api_call_back() returns trigger language plpgsql set search_path from current as $body$
  declare
    told json;
  begin
    select json_object_agg(name, value) into told from (values
      ('location', to_json('/tasks/' || new.id)), ('service', to_json(new.service)), ('action', to_json(new.action)),
      ('status', to_json(new.status)), ('result', new.result), ('error', case when new.status = 'failed' then new.error end),
      ('resultOmitted', case when new.result_omitted then 'true'::json end), ('labels', new.labels::json)
    ) as member (name, value) where value is not null;
    insert into tasks (key, service, action, payload, payload_bytes, caller, callback_of)
      values (gen_random_uuid(), new.callback ->> 'service', new.callback ->> 'action', told, octet_length(told::text), new.caller, new.id);
    return null;
  end
  $body$`

/** What tells of a task goes with it. */
const FORGET = `
  create or replace function task_api_forget() returns trigger language plpgsql set search_path from current as $body$
  begin
    delete from attempts a using gone where a.task = any(array[gone.id]);
    delete from task_labels l using gone, jsonb_each_text(gone.labels) named
      where gone.labels is not null and l.label = named.key || '=' || named.value and l.task = gone.id;
    return null;
  end
  $body$`

const TRIGGERS: Readonly<Record<string, string>> = {
  tasks_call_back: `
    create trigger tasks_call_back after update of status on tasks for each row
      when (new.callback is not null and new.status in ('complete', 'failed') and old.${NOT_ENDED}
        and (new.status = 'failed' or coalesce(new.callback ->> 'on', 'end') = 'end'))
      execute function task_api_call_back()`,
  tasks_forget: `
    create trigger tasks_forget after delete on tasks referencing old table as gone for each statement
      execute function task_api_forget()`,
}

/**
 * `task_api.submit`: a task in the transaction of whoever calls it. It runs with the rights of the role that migrates, and checks what
 * the API would check. In a database where that role may make no schema there is no such function.
 */
const SUBMIT = `
  do $do$ begin
    -- The path of that role begins with the schema of its own name: from now on with that of the tables alone.
    if current_user = 'task_api' and current_schema() <> 'task_api' then
      execute format('alter role %I in database %I set search_path = %I', current_user, current_database(), current_schema());
    end if;
    -- "if not exists" would ask for the right to make one where there is one.
    if to_regnamespace('task_api') is null then create schema task_api; end if;
    execute format($create$
      create or replace function task_api.submit(service text, action text, payload json default '{}', delay text default null,
        runat timestamptz default null, priority text default 'normal', deadline text default null, labels jsonb default null,
        "unique" text default null, callback jsonb default null) returns bigint
      language plpgsql security definer set search_path = %I, pg_temp as $body$
      #variable_conflict use_column
      declare
        made bigint;
        due timestamptz;
        wrong text;
        waits interval;
        lasts interval;
      begin
        wrong := case
          when service is null or service !~ '^[A-Za-z0-9._-]{1,100}$' then 'service must be 1 to 100 characters of A-Z a-z 0-9 . _ -'
          when action is null or action !~ '^[A-Za-z0-9._~-]{1,200}$' or action in ('.', '..') then 'action must be 1 to 200 characters of A-Z a-z 0-9 . _ ~ -'
          when payload is null then 'payload must be JSON'
          when octet_length(payload::text) > 1048576 then 'payload must not be over 1 MiB'
          when delay is not null and runat is not null then 'only one of delay and runAt may be given'
          when delay !~ '^(0|[1-9][0-9]{0,11}(ms|s|m|h|d)|0(ms|s|m|h|d))$' or delay::interval > interval '366 days' then 'delay must be a duration from 0 to 366d'
          when runat > clock_timestamp() + interval '366 days' then 'runAt must be at most 366 days ahead'
          when priority is null or priority not in ('high', 'normal', 'low') then 'priority must be high, normal or low'
          when deadline !~ '^[1-9][0-9]{0,11}(ms|s|m|h|d)$' then 'deadline must be a duration over 0'
          when labels is not null and jsonb_typeof(labels) <> 'object' then 'labels must be an object'
          when labels is not null and (select count(*) > 16 from jsonb_object_keys(labels)) then 'there must be at most 16 labels'
          when labels is not null and exists (select from jsonb_each(labels) l where l.key !~ '^[A-Za-z0-9._-]{1,64}$' or jsonb_typeof(l.value) <> 'string' or length(l.value #>> '{}') > 256)
            then 'a label must have a name of 1 to 64 characters of A-Z a-z 0-9 . _ - and a string of at most 256 characters'
          when length("unique") not between 1 and 255 then 'unique must be 1 to 255 characters'
          when callback is not null and (jsonb_typeof(callback) <> 'object' or callback - 'service' - 'action' <> '{}'
            or jsonb_typeof(callback -> 'service') is distinct from 'string' or callback ->> 'action' in ('.', '..')
            or not coalesce(callback ->> 'service' ~ '^[A-Za-z0-9._-]{1,100}$' and callback ->> 'action' ~ '^[A-Za-z0-9._~-]{1,200}$', false))
            then 'callback must be an object of service and action'
        end;
        if wrong is not null then raise exception using errcode = 'invalid_parameter_value', message = wrong; end if;
        -- A service's own is that of the newest node that knows the service.
        callback := coalesce(callback, (
          select n.callbacks -> submit.service from nodes n where submit.service = any(n.services) order by n.since desc limit 1));
        -- A day is 24 hours, also where clocks change.
        waits := extract(epoch from delay::interval) * interval '1 second';
        lasts := extract(epoch from deadline::interval) * interval '1 second';
        due := greatest(clock_timestamp(), coalesce(runat, clock_timestamp() + coalesce(waits, interval '0')));
        while made is null loop
          insert into tasks as t (key, service, action, payload, payload_bytes, priority, run_at, due_at, deadline_ms, expires_at, labels, unique_key, callback, caller)
            values (gen_random_uuid(), service, action, payload, octet_length(payload::text), case priority when 'high' then 0 when 'normal' then 1 else 2 end,
              due, case when coalesce(delay, runat::text) is not null then due end, extract(epoch from lasts) * 1000, due + lasts,
              labels, "unique", callback, 'sql:' || session_user)
            on conflict (service, unique_key) where unique_key is not null and status in ('pending', 'running') do nothing
            returning t.id into made;
          if made is null then
            select t.id into made from tasks t where t.service = submit.service and t.unique_key = submit."unique" and t.status in ('pending', 'running');
            if made is not null then return made; end if;
          end if;
        end loop;
        insert into task_labels (label, task) select l.key || '=' || l.value, made from jsonb_each_text(labels) l where labels is not null;
        return made;
      end
      $body$
    $create$, current_schema());
    revoke all on function task_api.submit from public;
  exception when insufficient_privilege then
    raise notice 'task_api.submit is not there: the role may not create a schema';
  end $do$`

export async function up(knex: Knex): Promise<void> {
  await run(knex, TABLES)
  await patiently(knex, COLUMNS)
  await patiently(knex, NODES)
  // An index of no rows is there at once. One of many is made beside the nodes that are at work.
  const { rows } = await knex.raw<{ rows: { used: boolean }[] }>('select exists (select from tasks) as used')
  const concurrently = rows[0]?.used ? 'index concurrently' : 'index'
  for (const [name, create] of Object.entries(INDEXES)) {
    await knex.schema.raw(`drop ${concurrently} if exists ${name}`)
    await knex.schema.raw(`create ${create.replace('index', concurrently)}`)
  }
  await run(knex, CALL_BACK, FORGET, SUBMIT.replaceAll('?', '\\?'))
  for (const [name, create] of Object.entries(TRIGGERS))
    await patiently(knex, `drop trigger if exists ${name} on tasks; ${create}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop function if exists task_api.submit; drop schema if exists task_api;
    drop trigger tasks_call_back on tasks; drop trigger tasks_forget on tasks;
    drop function task_api_call_back(); drop function task_api_forget();
    drop index tasks_unique, tasks_expiry, tasks_parked; drop table task_labels, attempts, idempotency_keys;
    alter table nodes drop column version, drop column since, drop column slots, drop column running, drop column use,
      drop column callbacks;
    alter table tasks drop column due_at, drop column deadline_ms, drop column expires_at, drop column labels, drop column unique_key,
      drop column callback, drop column callback_of, drop column caller, drop column retry_of, drop column retried_as,
      drop column first_step, drop column schedule`)
}
