// Reads stdin: checks whether something is piped in, and reads all of it with limits.
import { Buffer } from 'node:buffer'
import { fstatSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_BODY } from '../core/limits.ts'
import { CommandError } from './exits.ts'

/** A source of input. `destroy` closes the source, so that the process can end. */
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

/** Reads a whole source. Throws a `CommandError` when it is over `most` bytes (1 MiB) or cannot be read. */
export async function readAll(source: Source, most = MAX_BODY): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      size += bytes.length
      if (size > most)
        throw new CommandError('usage', 'the payload on stdin is over 1 MiB, the most that a task can have')
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError('usage', `stdin cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return Buffer.concat(chunks)
}

/**
 * Reads a whole source that no argument asked for. ssh or a CI may hold such a pipe open forever. A source that has not ended
 * after `patience` milliseconds is refused, because its data must not be left out silently. Throws a `CommandError`.
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
