// The mutations of keys: a door that lets in whom it must not, and bounds that are not asked.
import { type Mutation, one } from './mutation.ts'

const DOOR = 'integration/api/keys'
const OWN = 'integration/callers/own'
const BOUND = 'integration/callers/bound'
const FILE = 'unit/config/keys'

// prettier-ignore
export const KEY_MUTATIONS: readonly Mutation[] = [
  one('no scopes', 'a key may do everything', 'api/door.js', 'if (!mayDo(caller, needs))', 'if (false)', DOOR),
  one('the door comes late', 'a request without a key is told what else is wrong', 'api/routes.js', '            letIn(api, ctx, needs);\n', '', DOOR),
  one('the first of two keys counts', 'a proxy and the node see different callers', 'api/door.js', 'more.length === 0 ?', 'true ?', DOOR),
  one('keys never expire', 'a key counts for ever', 'core/key.js', 'found === undefined || isExpired(found, now)', 'found === undefined', 'unit/core/key', DOOR),
  one('streams go on', 'who has no key any more goes on to hear', 'api/events.js', 'if (!isStillIn(api, ctx))', 'if (false)', 'integration/keys-reload'),
  one('keys change at each reload', 'a reload ends every stream', 'reload.js', 'isDeepStrictEqual(old, one) && old !== undefined ? old : one', 'one', 'integration/keys-reload'),
  one('one task has no bounds', 'a key sees the tasks of others', 'api/routes.js', 'if (!sees)', 'if (false)', OWN, BOUND),
  one('a retry has no bounds', 'a key retries the tasks of others', 'store/retries.js', " and ${withinBounds('t', BOUNDS)} for update", ' for update', OWN, BOUND),
  one('a retry is of who asks', 'a caller loses sight of its task', 'store/retries.js', 'coalesce(old.caller, $4)', '$4', OWN),
  one('filters have no bounds', 'a list shows the tasks of others', 'store/filters.js', "and ${withinBounds('seen', BOUNDS)}", '', OWN, BOUND),
  one('`unique` tells', 'a key with `own` is led to the task of another', 'store/creations.js', 'if hidden then', 'if false then', OWN),
  one('any service may be named', 'a key submits to every service', 'api/faults.js', "if (!mayDo(by.caller, 'submit', service))", 'if (false)', BOUND),
  one('any service may be asked for', 'a list by a service of others is empty, and not refused', 'api/filters.js', 'service !== undefined && !isFor(caller, service)', 'false', BOUND),
  one('schedules are overwritten', 'a key takes the schedule of another', 'store/schedules.js', "where ${withinBounds('s', ['$14::text', '$15::text[]'])}\n", '\n', OWN, BOUND),
  one('schedules make tasks of nobody', 'a key does not see the tasks of its schedule', 'store/fires.js', "'w.caller'", "'$4'", OWN),
  one('AUTH is not heeded', 'a node without keys starts though they are required', 'config/read.js', "values.env['AUTH'] === 'required'", 'false', FILE),
]
