// Mutations of what a node believes of a Postgres that has a standby.
import { type Mutation, one } from './mutation.ts'

const TEST = 'integration/standby'

export const FAILOVER_MUTATIONS: readonly Mutation[] = [
  one(
    'unconfirmed commits believed',
    'a caller is told of a commit that the synchronous standby has not got',
    'store/database.js',
    'if (connection.unconfirmed)',
    'if (false)',
    TEST,
  ),
  one(
    'read back without a commit',
    'the row of such a commit is found at once, and its caller told of it',
    'store/inserts.js',
    't.key = any($2) for key share',
    't.key = any($2)',
    TEST,
  ),
  one(
    'repeat without a commit',
    'a repeat of such a commit finds its key at once',
    'store/idempotent.js',
    'k.key = $2 for key share',
    'k.key = $2',
    TEST,
  ),
  one(
    'absence without a commit',
    'a standby, or a lost primary, says that a task is not there',
    'store/routine.js',
    'if rows_there < ${expects} then',
    'if false then',
    TEST,
  ),
  one(
    'standbys taken for primaries',
    'a node uses the first server that answers',
    'store/servers.js',
    'if (this.#writable && ',
    'if (false && ',
    TEST,
  ),
]
