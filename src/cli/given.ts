// The tasks of a file that `batch` submits: one JSON object a line, or a JSON array of them. Their bytes stay as they are.
import { Buffer, isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { scanItems, scanMembers } from '../core/json.ts'
import { MAX_BATCH, MAX_BATCH_BODY } from '../core/limits.ts'
import type { Context } from './context.ts'
import { CommandError } from './exits.ts'

/** A task of a file, and where it stands there. */
export interface Given {
  readonly bytes: Buffer
  /** Such as `line 17`. */
  readonly place: string
}

/** Reads the tasks of a file; `-` is stdin. Throws a `CommandError` when one of them is no JSON object. */
export async function readGiven(context: Context, file: string): Promise<readonly Given[]> {
  const name = file === '-' ? 'stdin' : file
  const read = file === '-' ? await context.input(Infinity) : await readFile(file).catch(unreadable(name))
  if (!isUtf8(read)) throw new CommandError('usage', `${name} is not UTF-8`)
  const bytes = read.subarray(0, 3).equals(BYTE_ORDER_MARK) ? read.subarray(3) : read
  const given = trimmed(bytes)[0] === OPEN_ARRAY ? itemsOf(bytes, name) : linesOf(bytes, name)
  if (given.length === 0) throw new CommandError('usage', `${name} has no tasks`)
  return given
}

const BYTE_ORDER_MARK = Buffer.from('efbbbf', 'hex')
const [OPEN_ARRAY, LINE_BREAK] = [0x5b, 0x0a]

const unreadable = (name: string) => (error: unknown) => {
  throw new CommandError('usage', `${name} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
}

function itemsOf(bytes: Buffer, name: string): Given[] {
  const scan = scanItems(bytes, Infinity, Infinity)
  if (scan.kind !== 'items') {
    const from = scan.kind === 'malformed' ? `, from its byte ${scan.at} on (counted from 0)` : ''
    throw new CommandError('usage', `${name} is no JSON array${from}`)
  }
  return scan.items.map(({ start, end, members }, i) => {
    const place = `task ${i + 1}`
    if (members === undefined) throw new CommandError('usage', `${place} of ${name} is no JSON object`)
    return { bytes: bytes.subarray(start, end), place }
  })
}

function linesOf(bytes: Buffer, name: string): Given[] {
  const given: Given[] = []
  for (let [start, line] = [0, 1]; start < bytes.length; line += 1) {
    const end = bytes.indexOf(LINE_BREAK, start)
    const task = trimmed(bytes.subarray(start, end < 0 ? bytes.length : end))
    const place = `line ${line}`
    // Each by itself: two objects in one line would make a list of tasks in which the lines are not found again.
    if (task.length > 0 && scanMembers(task, Infinity).kind !== 'members')
      throw new CommandError('usage', `${place} of ${name} is no JSON object: write one task a line, or a JSON array`)
    if (task.length > 0) given.push({ bytes: task, place })
    start = end < 0 ? bytes.length : end + 1
  }
  return given
}

/** Without the whitespace of JSON around it. */
function trimmed(bytes: Buffer): Buffer {
  let [start, end] = [0, bytes.length]
  while (start < end && isSpace(bytes[start])) start += 1
  while (end > start && isSpace(bytes[end - 1])) end -= 1
  return bytes.subarray(start, end)
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13)

/** The tasks in the portions that one request may carry: a thousand, or 8 MiB. */
export function* portionsOf(tasks: readonly Given[]): Generator<readonly Given[]> {
  let [start, size] = [0, 1]
  for (const [i, { bytes }] of tasks.entries()) {
    const full = i - start === MAX_BATCH || size + bytes.length + 1 > MAX_BATCH_BODY
    if (full && i > start) {
      yield tasks.slice(start, i)
      start = i
      size = 1
    }
    size += bytes.length + 1
  }
  yield tasks.slice(start)
}
