// Seals texts: encrypts what the tables keep of callers and services, and opens what was sealed. docs/decisions.md says why it has this form.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto'
import { scanMembers } from '../core/json.ts'

/** Begins each stored text that is not the value itself. It is whitespace, so that the text is still JSON. */
export const MARK = '\r\t\r'
/** What follows the mark: a sealed text, an object that SQL has made around one, or a text that itself begins with the mark. */
const [SEALED, AROUND, ITSELF] = ['"', '{', '\t']
/** Where the sealed body of a failure is, and where the body is in a failure that is not sealed: it is the last member. */
const SEALED_BODY = ',"sealed":'
const BODY = ',"body":'

const CIPHER = 'aes-256-gcm'
const [IV_BYTES, TAG_BYTES] = [12, 16]
/** Random bytes are drawn for so many texts at a time. */
const DRAWN = 512
const ID_CHARACTERS = 8
const ID_IN = new RegExp(`${MARK}"([0-9a-f]{${ID_CHARACTERS}}) `)
/** No text is nested so deep. */
const ANY_DEPTH = 1_000_000

/** The id of a key: it tells a sealed text which key opens it, and nobody what the key is. */
export const keyId = (key: string): string =>
  createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex').slice(0, ID_CHARACTERS)

/**
 * Makes stored texts of values, and values of stored texts. The name of a seal says whose value it is. It has no space. A text opens only
 * under a name that its row accepts.
 */
export interface Seals {
  /** Whether there are keys. Without them texts are stored as they are. */
  readonly on: boolean
  close(text: string, name: string): string
  /** The ids of the keys. */
  readonly ids: readonly string[]
  /** The id of the key of a text that does not open, where there is no such key. */
  lacks(text: string): string | undefined
  /** The value, or undefined: its key is not there, the text was altered, or it belongs elsewhere. Null names are none. */
  open(text: string, names: readonly (string | null)[]): string | undefined
  /** The same for a failure, of which only the body is sealed. */
  closeFailure(text: string, name: string): string
  openFailure(text: string, names: readonly (string | null)[]): string | undefined
}

/** Keys in base64, 32 bytes each; undefined: none. */
export type Keys = readonly string[] | undefined

/** Makes the seals of these keys. The first key closes, all of them open. */
export function sealsOf(keys: Keys = []): Seals {
  const byId = new Map(keys.map((key) => [keyId(key), createSecretKey(key, 'base64')]))
  const [first] = byId
  const nextIv = ivs()
  const close = (text: string, name: string): string => {
    if (!first) return text.startsWith(MARK) ? MARK + ITSELF + text : text
    const [id, key] = first
    return MARK + encrypted(text, `${id} ${name}`, key, nextIv())
  }
  const open: Seals['open'] = (text, names) => {
    if (!text.startsWith(MARK)) return text
    const rest = text.slice(MARK.length)
    if (rest[0] === ITSELF) return rest.slice(1)
    if (rest[0] === AROUND) return openAround(rest, names)
    // Nothing of task_api: it was there before there were seals.
    return rest[0] === SEALED ? decrypted(rest, names, byId) : text
  }
  const openFailure: Seals['openFailure'] = (text, names) => {
    const at = text.indexOf(SEALED_BODY + MARK)
    if (at < 0) return text
    const body = open(text.slice(at + SEALED_BODY.length, -1), names)
    return body === undefined ? undefined : `${text.slice(0, at)}${BODY}${body}}`
  }
  const openAround: Seals['open'] = (text, names) => {
    const bytes = Buffer.from(text)
    const scan = scanMembers(bytes, ANY_DEPTH)
    if (scan.kind !== 'members') return undefined
    const parts: string[] = []
    let done = 0
    for (const { name, start, end } of scan.members) {
      // Postgres puts a colon and one space before a value.
      const from = bytes.lastIndexOf(':', start - 1) + 2
      const value = bytes.toString('utf8', from, end)
      const opened = name === 'error' ? openFailure(value, names) : open(value, names)
      if (opened === undefined) return undefined
      parts.push(bytes.toString('utf8', done, from), opened)
      done = end
    }
    return parts.join('') + bytes.toString('utf8', done)
  }
  return {
    on: first !== undefined,
    ids: [...byId.keys()],
    lacks: (text) => {
      const id = ID_IN.exec(text)?.[1]
      return id === undefined || byId.has(id) ? undefined : id
    },
    close,
    open,
    closeFailure: (text, name) => {
      const at = first ? text.indexOf(BODY) : -1
      return at < 0 ? text : `${text.slice(0, at)}${SEALED_BODY}${close(text.slice(at + BODY.length, -1), name)}}`
    },
    openFailure,
  }
}

/** Whether the body of a failure is sealed. */
export const isSealedFailure = (failure: string): boolean => failure.includes(SEALED_BODY + MARK)

/** A failure whose body cannot be opened, without the body. */
export const withoutBody = (failure: string): string => `${failure.slice(0, failure.indexOf(SEALED_BODY + MARK))}}`

/** Random initialization vectors. They are drawn many at a time, as one by one each costs microseconds. */
function ivs(): () => Buffer {
  const drawn = Buffer.alloc(IV_BYTES * DRAWN)
  let at = drawn.length
  return () => {
    if (at === drawn.length) {
      randomFillSync(drawn)
      at = 0
    }
    return drawn.subarray(at, (at += IV_BYTES))
  }
}

/** `"key name base64"`: what is before the base64 is authenticated. */
function encrypted(text: string, head: string, key: KeyObject, iv: Buffer): string {
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(head))
  const data = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `"${head} ${data.toString('base64')}"`
}

function decrypted(
  text: string,
  names: readonly (string | null)[],
  byId: ReadonlyMap<string, KeyObject>,
): string | undefined {
  const [from, to] = [ID_CHARACTERS + 1, text.indexOf(' ', ID_CHARACTERS + 2)]
  const key = byId.get(text.slice(1, from))
  if (!key || !names.includes(text.slice(from + 1, to))) return undefined
  const base64 = text.slice(to + 1, -1)
  const data = Buffer.from(base64, 'base64')
  // Node would pass over what is no base64.
  if (data.length < IV_BYTES + TAG_BYTES || data.toString('base64') !== base64) return undefined
  const decipher = createDecipheriv(CIPHER, key, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(text.slice(1, to))).setAuthTag(data.subarray(-TAG_BYTES))
  const plain = decipher.update(data.subarray(IV_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
