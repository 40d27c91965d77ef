// What comes in on stdin: whether anything is piped in, and all of it, within bounds.
import { Buffer } from 'node:buffer'
import { fstatSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_BODY } from '../core/limits.ts'
import { CommandError } from './exits.ts'

/** Where input comes from; `destroy` lets go of it, so that the process can end. */
export type Source = AsyncIterable<Uint8Array | string> & { destroy?(): unknown }

/** Whether stdin is a pipe, a socket or a file. A terminal and /dev/null hold no payload, and Node makes /dev/null of a closed stdin. */
export function isPiped(): boolean {
  try {
    const stdin = fstatSync(0)
    return stdin.isFIFO() || stdin.isSocket() || stdin.isFile()
  } catch {
    return false
  }
}

/** All of a source. Throws a `CommandError` when it is larger than any request may be, or cannot be read. */
export async function readAll(source: Source): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      size += bytes.length
      if (size > MAX_BODY)
        throw new CommandError('usage', 'the payload on stdin is over 1 MiB, the most that a task can have')
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError('usage', `stdin cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return Buffer.concat(chunks)
}

/**
 * All of a source that nobody asked to be read. It may be a pipe that an ssh or a CI holds open for ever: one that has not
 * ended in `patience` milliseconds is refused, as what it may still bring must not be left out silently.
 */
export async function readPiped(source: Source, patience: number): Promise<Buffer> {
  const enough = new AbortController()
  const late = async (): Promise<never> => {
    await wait(patience, undefined, { signal: enough.signal })
    throw new CommandError(
      'usage',
      `stdin did not end in ${patience / 1000} s: give PAYLOAD as a word, or - to wait for stdin without limit, or </dev/null for no payload`,
    )
  }
  try {
    return await Promise.race([readAll(source), late()])
  } finally {
    enough.abort()
    source.destroy?.()
  }
}
