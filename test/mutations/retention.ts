// The mutations of the retention: what is purged, what is kept, and whose turn it is.
import { type Mutation, one } from './mutation.ts'

const [PURGE, RETENTION] = ['integration/purge', 'integration/retention'] as const
const PURGES = 'store/purges.js'

export const RETENTION_MUTATIONS: readonly Mutation[] = [
  one(
    'purged whose turn it is not',
    'a node purges also while another one has the turn',
    PURGES,
    'if not found then return; end if;',
    '',
    PURGE,
  ),
  one('purged for ever', 'what is kept for ever is purged at once', PURGES, "where age > interval '0'", '', PURGE),
  one(
    'purged as one status',
    'a failed task is kept as long as a complete one',
    PURGES,
    '->> s.status',
    "->> 'complete'",
    PURGE,
  ),
  one(
    'a mark is not heeded',
    'a statement begins at the oldest entry again',
    PURGES,
    '$5 ->> (kept',
    '$5 ->> (kept.status || kept',
    PURGE,
  ),
  one(
    'an older database purges',
    'an older database has the defaults',
    'supervisor/purge.js',
    'if (await store.retainsByDefault())',
    'if ((await store.retainsByDefault()) || true)',
    RETENTION,
  ),
  one(
    'what the file says is passed over',
    'the defaults come before what the file says',
    'core/retention.js',
    'own.complete ?? below.complete',
    'below.complete ?? own.complete',
    RETENTION,
  ),
]
