// Encryption at rest: which seal a copied value has, and how SQL puts a sealed value into a callback. Columns that stay null change nothing.
import type { Knex } from 'knex'
import { patiently, run } from './patiently.ts'

export const config = { transaction: false }

/** The ids of the keys of each node: a task waits for a node that has its key. */
const NODES = 'alter table nodes add column if not exists keys text[]'

/** The name of the seal of a payload or a state that SQL has copied from another row; null: it is the row's own, or there is none. */
const COLUMNS = 'alter table tasks add column if not exists payload_of text, add column if not exists state_of text'

/** What begins a stored text that is not the value itself: see src/store/seal.ts. */
const MARK = `E'\\r\\t\\r'`

/** As in 003. An object around a sealed value begins with the mark, and names the seal. */
const CALL_BACK = `
  create or replace function task_api_call_back() returns trigger language plpgsql set search_path from current as $body$
  declare
    told text;
    sealed text;
  begin
    select json_object_agg(name, value)::text into told from (values
      ('location', to_json('/tasks/' || new.id)), ('service', to_json(new.service)), ('action', to_json(new.action)),
      ('status', to_json(new.status)), ('result', new.result), ('error', case when new.status = 'failed' then new.error end),
      ('resultOmitted', case when new.result_omitted then 'true'::json end), ('labels', new.labels::json)
    ) as member (name, value) where value is not null;
    sealed := case
      when left(new.result::text, 3) = ${MARK} then new.key || '.result'
      when new.status = 'failed' and position(',"sealed":' || ${MARK} in new.error::text) > 0 then new.key || '.error' end;
    insert into tasks (key, service, action, payload, payload_of, payload_bytes, caller, callback_of)
      values (gen_random_uuid(), new.callback ->> 'service', new.callback ->> 'action', (case when sealed is null then '' else ${MARK} end || told)::json,
        sealed, octet_length(told), new.caller, new.id);
    return null;
  end
  $body$`

/** A payload given by SQL that itself begins with the mark is stored behind another one. */
const [BEFORE, NOW] = [
  'values (gen_random_uuid(), service, action, payload,',
  `values (gen_random_uuid(), service, action, case when left(payload::text, 3) = ${MARK} then (${MARK} || E'\\t' || payload::text)::json else payload end,`,
]
const submitWith = (from: string, to: string): string => `
  do $do$
  declare
    submit regproc := to_regproc('task_api.submit');
    definition text := pg_get_functiondef(submit);
  begin
    -- Where the role may not make a schema there is no such function.
    if submit is null or position($to$${to}$to$ in definition) > 0 then return; end if;
    if position($from$${from}$from$ in definition) = 0 then raise exception 'task_api.submit is not that of this release'; end if;
    execute replace(definition, $from$${from}$from$, $to$${to}$to$);
  end $do$`

export async function up(knex: Knex): Promise<void> {
  await patiently(knex, COLUMNS, NODES)
  await run(knex, CALL_BACK, submitWith(BEFORE, NOW))
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(submitWith(NOW, BEFORE))
  // The function of the callbacks stays as it is: without sealed values it does what it did. It needs its column.
  await knex.schema.raw('alter table tasks drop column state_of; alter table nodes drop column keys')
}
