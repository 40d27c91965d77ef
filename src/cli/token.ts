// The key that every request carries: its token stands in a variable or in a file, never in an argument, and is never shown.
import { readFileSync, statSync } from 'node:fs'
import type { Headers } from 'node-fetch'
import { CommandError } from './exits.ts'

/** A token of any kind, as a header may carry it. */
const TOKEN = /^[\x21-\x7e]+$/

/** Adds the key to headers, where there is one; the file comes before the variable. Throws a `CommandError`. */
export function addToken(
  headers: Headers,
  file: string | undefined,
  variable: string | undefined,
  warn: (line: string) => void,
): Headers {
  const [source, text] = file === undefined ? ['TASK_API_KEY', variable] : [file, tokenIn(file, warn)]
  const token = text?.trim() ?? ''
  if (token === '' && file === undefined) return headers
  if (!TOKEN.test(token)) throw new CommandError('usage', `${source} does not hold a key (what it holds is not shown)`)
  if (headers.has('authorization'))
    throw new CommandError('usage', `there is a key in ${source}, and a header Authorization: only one can be sent`)
  headers.set('authorization', `Bearer ${token}`)
  return headers
}

function tokenIn(file: string, warn: (line: string) => void): string {
  try {
    const { mode } = statSync(file)
    const isOthers = process.platform !== 'win32' && (mode & 0o077) !== 0
    if (isOthers) warn(`others may read or change ${file}: chmod 600 ${file}`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError('usage', `${file} cannot be read: ${code ?? String(error)}`)
  }
}
