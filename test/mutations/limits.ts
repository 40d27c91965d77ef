// The mutations of grants: what a limit, a pause and a gate let Postgres grant, and whose turn it is.
import { type Mutation, one } from './mutation.ts'

const GRANT = 'integration/services/grants'
const RESUMED = 'integration/services/resumed'
const SEQUENCES = 'verbs/verbs'

/** What counts as open. */
const OPEN = `(select count(*) from (
      select from tasks t where t.service = $3[1] and \${OPEN_GRANT}
      order by t.run_at, t.id limit most
    ) open)`

const LIMITS: readonly Mutation[] = [
  one(
    'no lock in the grant',
    'two nodes grant at the same time',
    'store/grants.js',
    `where s.service = $3[1] for update skip locked;
  if not found`,
    `where s.service = $3[1];
  if not found`,
    GRANT,
  ),
  {
    name: 'count before the lock',
    breaks: 'what is open is counted before the last grant is seen',
    edits: [
      {
        file: 'store/grants.js',
        from: 'before: `',
        to: `before: \`began := ${OPEN.replace(' limit most', '')};`,
      },
      { file: 'store/grants.js', from: `- ${OPEN}`, to: '- began' },
    ],
    first: [GRANT],
  },
  one(
    'grants in one snapshot',
    'a database with one snapshot a transaction grants twice',
    'store/grants.js',
    "if current_setting('transaction_isolation') <> 'read committed'",
    'if false',
    'integration/services/isolation',
  ),
  one(
    "dead nodes' grants not counted",
    'what a dead node holds is granted once more before it is taken over',
    'store/sql.js',
    't.granted is not null and t.granted and (t.node is null) is false',
    't.granted is not null and t.granted and t.node in (select n.id from nodes n where n.lease_until > now())',
    GRANT,
  ),
  one(
    'cut grants not counted',
    'a cancelled task gives its grant back while its request may be open',
    'store/grants.js',
    '(select count(*) from cut_grants c where c.service = $3[1])',
    '0',
    GRANT,
  ),
  one(
    'cut grants for ever',
    'a cancelled task never gives its grant back',
    'store/grants.js',
    'delete from cut_grants c where c.service = $3[1] and c.until <= moment;',
    '',
    GRANT,
  ),
  one(
    'the rate is not paid',
    'grants leave the rate as it was',
    'store/grants.js',
    "paid := paid + began * $15 * interval '1 millisecond';",
    '',
    GRANT,
  ),
  one(
    'burst unbounded',
    'a rate gathers without end while nothing begins',
    'store/grants.js',
    'paid := greatest(state.paid_until, moment)',
    'paid := coalesce(state.paid_until, moment)',
    GRANT,
  ),
  one(
    'a slower rate binds for good',
    'what was paid for at a slower rate is owed in full after the rate was raised',
    'store/grants.js',
    "if paid > moment + $16 * $15 * interval '1 millisecond' + ${SLACK} then",
    'if false then',
    GRANT,
  ),
  one(
    'a wait for the rate outlives it',
    'a node that was told to wait for an hour does so, though the limit has changed',
    'supervisor/states.js',
    'lane.popAfter = -Infinity;',
    '',
    'integration/services/limit-changes',
  ),
  one(
    'anything opens a gate',
    'a try that met nobody lets all requests of a resting service begin',
    'supervisor/reports.js',
    'granted && isAnswered(report)',
    "granted && report.kind !== 'release'",
    'unit/supervisor/reports',
  ),
  one(
    'paused services are granted',
    'a pause is not asked for in the grant',
    'store/grants.js',
    "when state.paused_at is not null then 'paused'",
    '',
    GRANT,
  ),
  one(
    'all at once behind a gate',
    'a gate opens for as many as the limit allows',
    'store/grants.js',
    'least($14, case when state.gated_until is not null then 1 end)',
    '$14',
    GRANT,
  ),
]

const TURNS: readonly Mutation[] = [
  one(
    'a released task keeps its grant',
    'a task that is given back is not marked as one that waits for its turn',
    'store/fenced.js',
    "'granted = case when t.granted then false else t.granted end'",
    "'granted = t.granted'",
    RESUMED,
  ),
  one(
    'a released task loses its grant',
    'a task that is given back waits among those that have not begun',
    'store/fenced.js',
    "'granted = case when t.granted then false else t.granted end'",
    "'granted = null'",
    RESUMED,
  ),
  one(
    'a step that waits keeps its grant',
    'a step that waits for its turn waits among those that have not begun',
    'store/fenced.js',
    'case when t.granted and w.wait is not null then false',
    'case when false then false',
    RESUMED,
  ),
  one(
    'a step loses its grant',
    'a loop that goes on at its node is not counted any more',
    'store/fenced.js',
    'case when t.granted and w.wait is not null then false',
    'case when t.granted then false',
    RESUMED,
  ),
  {
    name: 'resumed tasks not first',
    breaks: 'those that have begun wait among all others',
    edits: [
      { file: 'store/claim-routine.js', from: "'and t.granted is not false'", to: "''" },
      { file: 'store/claim-routine.js', from: 'limit allowed for update', to: 'limit 0 for update' },
    ],
    first: [RESUMED],
  },
  one(
    'resumed tasks count twice',
    'each task that goes on keeps another one from beginning',
    'store/claim-routine.js',
    "${granting ? '$4[1]' : 'room'}, place, nth, false from waiting",
    'room, place, nth, false from waiting',
    RESUMED,
  ),
  one(
    'a take-over frees the grant',
    'a task that is taken over is not counted any more, though its node may have a request open',
    'store/claim-routine.js',
    '`${TAKE}, granted = true` : TAKE',
    '`${TAKE}, granted = true` : `${TAKE}, granted = null`',
    SEQUENCES,
  ),
  one(
    'take-over with a grant',
    'a task that is taken over begins by the grant of a dead node',
    'store/claimed.js',
    't.granted is true and not due.lost',
    't.granted is true',
    GRANT,
  ),
]

export const LIMIT_MUTATIONS: readonly Mutation[] = [...LIMITS, ...TURNS]
