// The mutations: pieces of the compiled code that are broken on purpose, each of which a test must notice.
import { ACTOR_MUTATIONS } from './actor.ts'
import { ADMISSION_MUTATIONS } from './admission.ts'
import { API_MUTATIONS } from './api.ts'
import { END_MUTATIONS } from './ends.ts'
import { FAILOVER_MUTATIONS } from './failover.ts'
import { KEY_MUTATIONS } from './keys.ts'
import { CALLER_MUTATIONS } from './callers.ts'
import { LIMIT_MUTATIONS } from './limits.ts'
import { type Mutation, one } from './mutation.ts'
import { OPERATING_MUTATIONS } from './operating.ts'
import { PLAN_MUTATIONS } from './plan.ts'
import { REDIS_MUTATIONS } from './redis.ts'
import { RELOAD_MUTATIONS } from './reload.ts'
import { SECRET_MUTATIONS } from './secrets.ts'
import { SCHEDULE_MUTATIONS } from './schedules.ts'
import { SEALING_MUTATIONS } from './sealing.ts'
import { SERVICE_MUTATIONS } from './services.ts'
import { VERB_MUTATIONS } from './verbs.ts'

const RUNNING = "t.status is not distinct from 'running'"
const FENCE = `and t.token = w.token and t.node is not distinct from w.node and ${RUNNING}`

/** Those that docs/protocol.md names, and one for each other guard on which a promise rests. */
export const MUTATIONS: readonly Mutation[] = [
  one('id-only guard', 'a write asks for the id alone', 'store/fenced.js', FENCE, '', 'integration/fence'),
  // prettier-ignore
  one('status-only guard', 'a write asks for the status alone', 'store/fenced.js', FENCE, `and ${RUNNING}`, 'integration/fence'),
  one(
    'no token guard',
    'a write asks for the node, not for the token',
    'store/fenced.js',
    FENCE,
    `and t.node is not distinct from w.node and ${RUNNING}`,
    'integration/fence',
  ),
  one(
    'claim pending only',
    'what a dead node or a wait has left behind is not claimed',
    'store/claim-routine.js',
    '${UNOWNED} and t.service = w.service and t.priority = arm.level',
    "t.node is null and t.status = 'pending' and t.service = w.service and t.priority = arm.level",
    'integration/claim',
  ),
  one(
    'no sync',
    'memory and rows are never compared',
    'supervisor/audit.js',
    'async run() {',
    'async run() {\n        return;',
    'integration/sync',
    'integration/trust',
  ),
  one(
    'retry without asking',
    'the next try does not wait for its write',
    'actor/run.js',
    `kind: 'retry', step, attempt, failure, tried: tried(wait, failure) });
                if (!(await committed(mailbox, loop)))
                    return;`,
    `kind: 'retry', step, attempt, failure, tried: tried(wait, failure) });
                loop.attempt += 1;`,
    'unit/actor/run',
  ),
  {
    name: 'naive sync',
    breaks: 'a sync judges what was claimed after its question',
    edits: [
      {
        file: 'supervisor/sync.js',
        from: 'const asked = settled.filter((task) => running.has(task) && !task.writing);',
        to: 'const asked = running.all();',
      },
      {
        file: 'supervisor/sync.js',
        from: ' && !inFlight.has(token) && !running.inFlight.has(token)',
        to: '',
      },
    ],
    first: ['unit/supervisor/sync'],
  },
  one(
    'trust back at once',
    'a lapse of trust does not make older claims doubtful',
    'core/trust.js',
    'Atomics.add(this.#cells, EPOCH_CELL, 1n);',
    ';',
    'unit/core/trust',
  ),
  one(
    'forgotten notice',
    'a cancel notice during a claim in flight is dropped',
    'supervisor/running.js',
    'if (this.#inFlight.size === 0)',
    'if (true)',
    'unit/supervisor/running',
  ),
  {
    name: 'two actors of one task',
    breaks: 'the older actor of a task goes on beside the newer',
    edits: [
      { file: 'supervisor/dispatch.js', from: 'if (older)\n            this.stop(older);', to: '' },
      { file: 'actor/host.js', from: 'actors.get(task.id)?.mailbox.stop();', to: '' },
    ],
    first: ['integration/one-actor'],
  },
  one(
    'release of a row whose report waits',
    'a claim is let go before its report is written',
    'supervisor/reports.js',
    'task.writing = true;',
    "task.writing = true;\n    if (report.kind === 'settle')\n        running.drop(task);",
    'unit/supervisor/reports',
    'integration/written',
  ),
  one(
    'no trust window',
    'requests begin whenever the last beat was',
    'actor/mailbox.js',
    'this.#trust.holds(this.#now()) && ',
    '',
    'unit/actor/mailbox',
  ),
  one(
    'checkpoint not awaited',
    'the next step is sent before the answer to the last is durable',
    'actor/run.js',
    `if (parks)
                    return;
                if (!(await committed(mailbox, loop)))
                    return;`,
    `if (parks)
                    return;
                loop.attempt = 1;`,
    'unit/actor/run',
  ),
  one(
    'unsorted batches',
    'two batches lock the same rows in different orders',
    'store/fenced.js',
    'place) order by id',
    'place) order by place',
    'integration/fence',
    'integration/written',
  ),
  one(
    'submit repeated blindly',
    'an insert of unknown outcome is sent again',
    'store/inserts.js',
    'const found = lookFor(keys, above);',
    'const found = query(INSERT, values).then(byKey);',
    'integration/submit',
  ),
  // prettier-ignore
  one('direct without a lease', 'a task is handed over directly by a node whose lease has run out', 'store/inserts.js', 'on me.id = w.node and me.lease_until > now()', 'on me.id = w.node', 'integration/direct'),
  one(
    'direct behind the back of syncs',
    'a claim that is inserted is not known to be under way',
    'supervisor/claims.js',
    'running.sent(sent.token);',
    '',
    'integration/direct',
  ),
  one(
    'reports dropped on an error',
    'a report that Postgres refused for the moment is forgotten',
    'supervisor/reports.js',
    "const passing = error instanceof StoreError && error.trouble === 'bug';",
    'const passing = false;',
    'unit/supervisor/reports',
  ),
  one(
    'no read-back',
    'what was applied although its reply was lost is taken for lost',
    'store/fenced.js',
    'if (again && missing.length > 0 && kind.applied)',
    'if (false)',
    'integration/written',
  ),
  one(
    'claim without a lease',
    'a node claims although its own lease has run out',
    'store/claim-routine.js',
    'and exists (select from nodes me where me.id = $1 and me.lease_until > now())`;',
    '`;',
    'integration/claim',
  ),
  one(
    'a late claim',
    'a claim that was held up judges by what has become of leases meanwhile',
    'store/claim-routine.js',
    '${validUntil}::timestamptz > now() and exists',
    '(${validUntil}::timestamptz is not null) and exists',
    'integration/claim',
  ),
  one(
    'take-over after an outage',
    'a node takes over as soon as its own lease is good again',
    'supervisor/lease.js',
    'if (!this.trusted)\n                this.#heldSince = performance.now();',
    '',
    'unit/supervisor/lease',
  ),
  one(
    'take-over at once',
    'a node takes over before it has held its own lease',
    'supervisor/lease.js',
    'return this.#options.alone || this.held >= this.#options.timings.takeoverDelay;',
    'return true;',
    'unit/supervisor/lease',
    'integration/trust',
  ),
  ...PLAN_MUTATIONS,
  ...ACTOR_MUTATIONS,
  one(
    'an answer ends the process',
    "what pg throws while it reads is nobody's",
    'store/client.js',
    'connection.stream.destroy(unreadable(error));',
    'throw error;',
    'nodes/altered',
  ),
  one(
    'a reply ends the process',
    "what ioredis throws while it reads is nobody's",
    'queue/replies.js',
    'this.returnFatalError(error);',
    'process.nextTick(() => { throw error; });',
    'nodes/altered',
  ),
  ...API_MUTATIONS,
  ...CALLER_MUTATIONS,
  ...REDIS_MUTATIONS,
  ...FAILOVER_MUTATIONS,
  ...SEALING_MUTATIONS,
  ...SERVICE_MUTATIONS,
  ...OPERATING_MUTATIONS,
  ...VERB_MUTATIONS,
  ...END_MUTATIONS,
  ...SCHEDULE_MUTATIONS,
  ...RELOAD_MUTATIONS,
  ...SECRET_MUTATIONS,
  ...KEY_MUTATIONS,
  ...LIMIT_MUTATIONS,
  ...ADMISSION_MUTATIONS,
]
