// The heads of an answer before anything parses them: those of 1xx are passed over, and all is cut off once they are too long.
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

/** The longest status line and header fields of an answer together, those of its 1xx included, bytes: what Node itself allows. */
export const MAX_HEAD = 16 * 1024
/** The longest end of a head, less one: so much of it may stand in the chunk before. */
const OVERLAP = 3

/**
 * Connects as undici does, and caps the heads that come. undici has such a limit too, but makes an error for each field beyond
 * it: an answer of ten thousand fields held its thread for 70 ms. It also takes a 100 that it did not ask for as the end.
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
  let head = new HeadLimit()
  Object.assign(socket, {
    write(this: Socket, ...given: Parameters<typeof write>) {
      head = new HeadLimit()
      return write.apply(this, given)
    },
    read(this: Socket, size?: number): Buffer | null {
      for (;;) {
        const chunk: Buffer | null = read.call(this, size)
        const left = chunk && head.pass(chunk)
        if (left instanceof Error) {
          this.destroy(left)
          return null
        }
        // The parser takes null for "nothing more for now", so what was passed over whole is not shown to it.
        if (left === null || left.length > 0) return left
      }
    },
  })
}

const NOTHING: Buffer = Buffer.alloc(0)
const CR = 0x0d
const LF = 0x0a
const ONE = 0x31

/** How a 1xx begins; `0` stands for any digit. */
const INTERIM = Buffer.from('HTTP/0.0 100')
/** Where its status code stands. */
const CODE = 9
const ZERO = 0x30

/** The heads of one answer on their way, chunk by chunk. */
export class HeadLimit {
  #length = 0
  #before: Buffer = NOTHING
  /** Whether the head of the answer itself has begun. */
  #final = false
  #over = false

  /** What the parser may see of a chunk, be it nothing; or why the connection must go. What follows the head does not count. */
  pass(chunk: Buffer): Buffer | Error {
    if (this.#over) return chunk
    const shown = this.#final ? chunk : this.#withoutInterim(chunk)
    if (shown instanceof Error || !this.#final) return this.#length > MAX_HEAD ? tooLong() : shown
    return this.#takes(shown) ? shown : tooLong()
  }

  /** Keeps back what is of a 1xx, or may be, until the answer itself begins. */
  #withoutInterim(chunk: Buffer): Buffer | Error {
    let bytes = this.#before.length === 0 ? chunk : Buffer.concat([this.#before, chunk])
    this.#length -= this.#before.length
    this.#before = NOTHING
    for (;;) {
      const start = behindLines(bytes)
      this.#length += start
      bytes = bytes.subarray(start)
      if (!mayBeInterim(bytes)) break
      if (bytes.toString('latin1', CODE, INTERIM.length) === '101')
        return new Error('the service switched to another protocol (101)')
      const end = endOf(bytes)
      if (end < 0) {
        this.#before = bytes
        this.#length += bytes.length
        return NOTHING
      }
      this.#length += end
      bytes = bytes.subarray(end)
    }
    this.#final = true
    return bytes
  }

  /** Whether the head has not been too long so far, this chunk with it. */
  #takes(chunk: Buffer): boolean {
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

const tooLong = (): Error => new Error('the head of the answer is too long')

/** Behind the empty lines at the start of a head, which a parser skips. */
function behindLines(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === CR || bytes[at] === LF) at++
  return at
}

/** Whether these bytes begin a 1xx, as far as they go. */
function mayBeInterim(bytes: Buffer): boolean {
  // Nearly every answer is decided here.
  if (bytes.length > CODE && bytes[CODE] !== ONE) return false
  const length = Math.min(INTERIM.length, bytes.length)
  for (let i = 0; i < length; i++) if (INTERIM[i] === ZERO ? !isDigit(bytes[i]) : bytes[i] !== INTERIM[i]) return false
  return !isDigit(bytes[INTERIM.length])
}

const isDigit = (byte = 0): boolean => byte >= ZERO && byte <= 0x39

/** Where a head ends in these bytes: behind its empty line; -1 when that has not come. */
function endOf(bytes: Buffer): number {
  const crlf = bytes.indexOf('\r\n\r\n')
  return crlf < 0 ? -1 : crlf + 4
}
