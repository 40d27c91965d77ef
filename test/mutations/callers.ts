// The mutations of what callers rely on when they repeat a POST: keys, `unique`, and waits for the transactions of others.
import { type Mutation, one } from './mutation.ts'

const SEQUENCES = 'verbs/verbs'
const KEYS = 'integration/callers/idempotency'
const REPLAYS = 'integration/callers/replays'
const LOST = 'integration/callers/lost'
const LOCKS = 'integration/callers/locks'
const UNIQUE = 'integration/callers/unique'
const BATCH = 'integration/callers/large-batch'

const ASKED = 'await askOnce(asks, CREATE, { key, caller }, [...columns, own])'

export const CALLER_MUTATIONS: readonly Mutation[] = [
  one(
    'a key for any body',
    'a key with another body is answered with the task of the first',
    'store/idempotent.js',
    'if kept.hash <> $3 then',
    'if false then',
    KEYS,
    SEQUENCES,
  ),
  one(
    'a key in a commit of its own',
    'the tasks are there before their key is',
    'store/creations.js',
    ASKED,
    `await (async () => {
        if (!key)
            return ${ASKED};
        const values = [\`\${caller ?? ''} \${key.scope}\`, key.key];
        const [kept] = await asks.first('select tasks from idempotency_keys where scope = $1 and key = $2', values);
        const found = kept?.tasks?.map((id, i) => ({ id, place: i + 1, existing: false, action: null, payload: null }));
        if (found)
            return { replayed: true, rows: found };
        const made = await askOnce(asks, CREATE, { key: undefined, caller }, columns);
        const ids = made.rows.map(({ id }) => id);
        const insert = 'insert into idempotency_keys (scope, key, hash, tasks) values ($1, $2, $3, $4) on conflict do nothing';
        await asks.first(insert, [...values, key.hash, ids]);
        return made;
    })()`,
    KEYS,
  ),
  one(
    'a refused POST keeps its key',
    'a POST that was refused is answered as one that has created nothing',
    'store/idempotent.js',
    "when sqlstate '${REFUSED}' then ${nothingBut('sqlerrm')}",
    "when sqlstate '${REFUSED}' then insert into idempotency_keys (scope, key, hash, tasks, existing) values ($1, $2, $3, '{}', '{}'); ${nothingBut('sqlerrm')}",
    REPLAYS,
  ),
  one(
    'a replay is not marked',
    'a repeat is answered as if it had created the task',
    'store/idempotent.js',
    "replayed: outcome === 'replayed'",
    'replayed: false',
    KEYS,
    REPLAYS,
  ),
  one(
    'a first answer is marked',
    'who has created a task is told that another one has',
    'store/idempotent.js',
    "case when kept.request = $5 then 'created' else 'replayed' end",
    "'replayed'",
    LOST,
  ),
  one(
    'a repeat that lost its answer is the first',
    'a repeat that had to be asked again looks as if it had created the task',
    'store/idempotent.js',
    "case when kept.request = $5 then 'created' else 'replayed' end",
    "'created'",
    SEQUENCES,
  ),
  one(
    'a lost reply is not asked again',
    'a POST whose reply was lost is refused, though a node could know',
    'store/idempotent.js',
    "if (error.trouble === 'unknown')",
    'if (false)',
    LOST,
  ),
  one(
    'asked again by another key',
    'a POST whose reply was lost creates its task once more',
    'store/idempotent.js',
    '(tries === 0 ? first : again)(call, all)',
    '(tries === 0 ? first : again)(call, [all[0], `${text}${tries}`, ...all.slice(2)])',
    LOST,
  ),
  one(
    'a key is forgotten early',
    'a repeat within the window creates a second task',
    'store/keys.js',
    'created_at < now() - ${age}',
    "created_at < now() + interval '2 minutes' - ${age}",
    REPLAYS,
  ),
  one(
    '`unique` across services',
    'a caller is led to the task of another service',
    'store/creations.js',
    't.service = one.service and t.unique_key',
    't.unique_key',
    UNIQUE,
    SEQUENCES,
  ),
  one(
    '`unique` is not told',
    'what was there already looks as if it had been created',
    'store/creations.js',
    'there[one.place] := made is not null;',
    '',
    UNIQUE,
    BATCH,
  ),
  one(
    'options of a batch are left out',
    'the tasks of a batch have none of their options',
    'api/tasks.js',
    'options === undefined && ',
    '',
    'integration/callers/batch',
  ),
  one(
    'a batch has the tasks of another',
    'who posts a batch beside others is told the locations of their tasks',
    'store/inserts.js',
    'inserted.slice(end, (end += length))',
    'inserted.slice(0, length)',
    'integration/submit-all',
  ),
  one(
    'a batch is one row',
    'a statement of many batches has no end',
    'store/batch.js',
    'filled + rowsOf(entry)',
    'filled + 1',
    'unit/store/batch',
  ),
  one(
    'any lock is a key',
    'who waits for a table is told that another has the key',
    'store/idempotent.js',
    'lock table idempotency_keys, tasks in row exclusive mode;',
    '',
    LOCKS,
  ),
  one(
    'a wait keeps its connection',
    'those who wait for a lock keep all others from Postgres',
    'store/idempotent.js',
    'const LOCK_WAIT_MS = 10;',
    'const LOCK_WAIT_MS = 1_000;',
    LOCKS,
  ),
  one(
    'who asks again is in the way',
    'those who wait for a lock delay all others',
    'store/connections.js',
    'again: this.#heeded(this.#waits, isCrowded)',
    'again: this.#heeded(this.#creates, isCrowded)',
    LOCKS,
  ),
  one(
    'a crowd is an outage',
    'where many POSTs want a connection, the node believes that Postgres is away',
    'store/connections.js',
    'if (besides(error))',
    'if (false)',
    LOCKS,
  ),
  one(
    'a held row stops a bulk retry',
    'no task is retried while another transaction holds the `unique` of one',
    'store/bulk.js',
    'exception when lock_not_available then',
    'exception when no_data_found then',
    LOCKS,
  ),
  one(
    'turns for all at once',
    'all repeats of one key ask at the same time',
    'store/turns.js',
    'if (before && !(await within(before, ms)))',
    'if (false)',
    'unit/store/turns',
  ),
]
