// The mutations of encryption at rest: what is sealed, and which seals a row accepts.
import { type Mutation, one } from './mutation.ts'

const SWAPS = 'integration/sealing/swaps'
const WAYS = 'integration/sealing/ways'
const KEYS = 'integration/sealing/keys'
const SEAL = 'unit/store/seal'

export const SEALING_MUTATIONS: readonly Mutation[] = [
  one(
    'any seal',
    'a row accepts the seal of another one',
    'store/seal.js',
    ' || !names.includes(text.slice(from + 1, to))',
    '',
    SEAL,
    SWAPS,
  ),
  one(
    'imitated mark',
    'a value that begins with the mark is stored as it is',
    'store/seal.js',
    'text.startsWith(MARK) ? MARK + ITSELF + text : text',
    'text',
    SEAL,
    WAYS,
  ),
  one(
    'lenient base64',
    'bytes that are no base64 are passed over',
    'store/seal.js',
    " || data.toString('base64') !== base64",
    '',
    SEAL,
  ),
  one(
    'plain state',
    'states are not sealed',
    'store/sealed.js',
    "state: closed(state, sealName(key, 'state'))",
    'state',
    WAYS,
  ),
  one(
    'plain bodies of tries',
    'the log of tries is not sealed',
    'store/sealed.js',
    'body: closed(tried.body, bodyName(key, tried))',
    'body: tried.body',
    WAYS,
  ),
  one(
    'unopened body',
    'a body that cannot be decrypted is sent',
    'supervisor/dispatch.js',
    'if (row.cannotDecrypt)',
    'if (false)',
    SWAPS,
  ),
  one(
    'no wait for a key',
    'a task fails although another node has its key',
    'supervisor/dispatch.js',
    'lacks !== undefined && ',
    'false && ',
    KEYS,
  ),
]
