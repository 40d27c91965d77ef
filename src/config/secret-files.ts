// The content of a file that `${file:/run/secrets/x}` names: a secret, which no fault shows.
import { readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { decoded, type ReadFile, reasonOf } from './file.ts'

/** The largest file that may be read in this way, bytes. */
const MAX_BYTES = 65_536

/** What keeps a text from being a value, in words that hold no secret. */
export interface NoValue {
  readonly expected: string
  readonly found?: string
}

const TOO_LARGE = 'more than 64 KiB'

/** Reads a small file. Throws where it is no file that ends, or too large. */
export const readSmallFile: ReadFile = (path) => {
  const status = statSync(path)
  // A pipe or a device would be read for ever.
  if (!status.isFile() && !status.isDirectory()) throw unreadable('a pipe or a device')
  if (status.size > MAX_BYTES) throw unreadable(TOO_LARGE)
  return readFileSync(path)
}

const unreadable = (code: string): Error => Object.assign(new Error(code), { code })

/**
 * The value of `file:/run/secrets/x`: the content of that file without the line break at its end. Undefined: `name` names no
 * file. The content must be UTF-8 without NUL, 1 byte to 64 KiB.
 */
export function secretOf(name: string, readFile: ReadFile): string | NoValue | undefined {
  if (!name.startsWith('file:')) return undefined
  const path = name.slice('file:'.length)
  if (!isAbsolute(path)) return { expected: 'an absolute path, as ${file:/run/secrets/x}' }
  const fault = (found: string): NoValue => ({ expected: `a secret in the file ${path}`, found })
  let bytes
  try {
    bytes = readFile(path)
  } catch (error) {
    return fault(reasonOf(error))
  }
  if (bytes.length > MAX_BYTES) return fault(TOO_LARGE)
  const text = decoded(bytes)?.replace(/\r?\n$/, '')
  if (text === undefined) return fault('bytes that are not UTF-8')
  if (text.includes('\0')) return fault('a NUL')
  return text === '' ? fault('nothing') : text
}
