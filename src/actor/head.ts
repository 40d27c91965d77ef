// The head of an answer: cut off once it is too long, before anything parses it.
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

/** The longest status line and header fields of an answer together, bytes: what Node itself allows. */
export const MAX_HEAD = 16 * 1024
/** The longest end of a head, less one: so much of it may stand in the chunk before. */
const OVERLAP = 3

/**
 * Connects as undici does, and caps the heads that come. undici has such a limit too, but makes an error for each field beyond
 * it: an answer of ten thousand fields held its thread for 70 ms.
 */
export function cappedConnector(timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout })
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null)
      capHeads(socket)
      callback(null, socket)
    })
}

/** Watches what the parser reads from a connection, which has one request at a time: what was written last asks for the next head. */
function capHeads(socket: Socket): void {
  const [read, write] = [socket.read, socket.write]
  let head = new Head()
  Object.assign(socket, {
    write(this: Socket, ...given: Parameters<typeof write>) {
      head = new Head()
      return write.apply(this, given)
    },
    read(this: Socket, size?: number): Buffer | null {
      const chunk: Buffer | null = read.call(this, size)
      if (chunk === null || head.takes(chunk)) return chunk
      this.destroy(new Error('the head of the answer is too long'))
      return null
    },
  })
}

const NOTHING = Buffer.alloc(0)

/** A head on its way, chunk by chunk. */
export class Head {
  #length = 0
  #before: Buffer = NOTHING
  #over = false

  /** Whether the head has not been too long so far, this chunk with it. What follows the head does not count. */
  takes(chunk: Buffer): boolean {
    if (this.#over) return true
    const bytes = this.#before.length === 0 ? chunk : Buffer.concat([this.#before, chunk])
    const end = endOf(bytes)
    this.#over = end >= 0
    if (this.#over) return this.#length + end <= MAX_HEAD
    const length = this.#length + bytes.length
    this.#before = bytes.subarray(-OVERLAP)
    this.#length = length - this.#before.length
    return length <= MAX_HEAD
  }
}

/** Where a head ends in these bytes: behind its empty line; -1 when that has not come. */
function endOf(bytes: Buffer): number {
  const crlf = bytes.indexOf('\r\n\r\n')
  return crlf < 0 ? -1 : crlf + 4
}
