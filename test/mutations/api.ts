// The mutations of the API: what becomes of callers who are there at a stop, are refused, or close their half first.
import { type Mutation, one } from './mutation.ts'

export const API_MUTATIONS: readonly Mutation[] = [
  one(
    'no answer to a stop while it listens',
    'requests that have reached the machine are cut off by a stop',
    'api/server.js',
    'await new Promise(setImmediate);\n        await new Promise(setImmediate);',
    '',
    'integration/api/stop',
  ),
  one(
    'no wait for the last of a burst',
    'of the connections that have reached the machine all but two are cut off by a stop',
    'api/server.js',
    'void (came = true)',
    'undefined',
    'integration/api/stop',
  ),
  one(
    'refusal not heard',
    'one who sends on after a refusal is cut off before he can read it',
    'api/client-errors.js',
    "if (refused.has(socket) && error.code !== 'ECONNRESET')",
    'if (false)',
    'integration/api/connections',
  ),
  one(
    'an idempotency key is nothing',
    'a caller who relies on a key makes a second task',
    'api/idempotency.js',
    'if (header === undefined)',
    'if (true)',
    'integration/callers/idempotency',
  ),
  one(
    'headers are cut',
    'headers beyond the most are dropped, the type of the body among them',
    'api/app.js',
    'if (req.rawHeaders.length > 2 * MAX_HEADERS)',
    'if (false)',
    'integration/api/headers',
  ),
  one(
    'half-close is the end',
    'a caller who closes his half is not answered',
    'api/server.js',
    'httpAllowHalfOpen: true',
    'httpAllowHalfOpen: false',
    'integration/api/connections',
  ),
]
