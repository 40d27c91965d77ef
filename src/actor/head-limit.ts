// Limits the head of an answer before it is parsed: removes 1xx answers, and closes the connection when the heads are too long.
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

/** The most bytes of an answer's status line and header fields, including those of its 1xx answers. Node has the same limit. */
export const MAX_HEAD_BYTES = 16 * 1024
/** The end of a head has four bytes, so up to three of them may be in the chunk before. */
const HEAD_END_OVERLAP_BYTES = 3

/**
 * Makes a connector as undici does, with a limit for the heads of answers. undici has a limit too, but creates an error for each
 * field beyond it: an answer of ten thousand fields blocked the thread for 70 ms. undici also fails on a 100 that it did not ask for.
 * @param options those of undici: among them the time limit for connecting, ms
 */
export function cappedConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options)
  return (target, callback) =>
    connect(target, (...[error, socket]) => {
      if (error) return callback(error, null)
      capHeads(socket)
      callback(null, socket)
    })
}

/** Filters what the parser reads from a connection. A connection has one request at a time, so each write begins a new head. */
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
        // The parser takes null for "no more data for now". An empty chunk is skipped, as more data may be there.
        if (left === null || left.length > 0) return left
      }
    },
  })
}

const NOTHING: Buffer = Buffer.alloc(0)
const CR = 0x0d
const LF = 0x0a
const ONE = 0x31

/** How a 1xx answer begins; `0` stands for any digit. */
const INTERIM = Buffer.from('HTTP/0.0 100')
/** The offset of the status code in the status line. */
const STATUS_CODE_OFFSET = 9
const ZERO = 0x30

/** Reads the heads of one answer, chunk by chunk, and counts their bytes. */
export class HeadLimit {
  /** Bytes of the heads so far, without those in `#before`. */
  #length = 0
  /** The last bytes of the chunks so far, which may belong to an end or to a 1xx answer. */
  #before: Buffer = NOTHING
  /** Whether the head of the final answer, which is not a 1xx, has begun. */
  #final = false
  /** Whether the head of the final answer has ended. */
  #over = false

  /** Returns the bytes of a chunk that the parser may see (possibly none), or an error with which the connection must be closed. */
  pass(chunk: Buffer): Buffer | Error {
    if (this.#over) return chunk
    const shown = this.#final ? chunk : this.#withoutInterim(chunk)
    if (shown instanceof Error || !this.#final) return this.#length > MAX_HEAD_BYTES ? tooLong() : shown
    return this.#takes(shown) ? shown : tooLong()
  }

  /** Removes 1xx answers. Keeps bytes back for as long as they may belong to a 1xx answer. */
  #withoutInterim(chunk: Buffer): Buffer | Error {
    let bytes = this.#before.length === 0 ? chunk : Buffer.concat([this.#before, chunk])
    this.#length -= this.#before.length
    this.#before = NOTHING
    for (;;) {
      const start = behindLines(bytes)
      this.#length += start
      bytes = bytes.subarray(start)
      if (!mayBeInterim(bytes)) break
      if (bytes.toString('latin1', STATUS_CODE_OFFSET, INTERIM.length) === '101')
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

  /** Counts a chunk of the final head; false when the head is too long. */
  #takes(chunk: Buffer): boolean {
    const bytes = this.#before.length === 0 ? chunk : Buffer.concat([this.#before, chunk])
    const end = endOf(bytes)
    this.#over = end >= 0
    if (this.#over) return this.#length + end <= MAX_HEAD_BYTES
    const length = this.#length + bytes.length
    this.#before = bytes.subarray(-HEAD_END_OVERLAP_BYTES)
    this.#length = length - this.#before.length
    return length <= MAX_HEAD_BYTES
  }
}

const tooLong = (): Error => new Error('the head of the answer is too long')

/** The offset after any empty lines at the start, which parsers skip. */
function behindLines(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === CR || bytes[at] === LF) at++
  return at
}

/** Whether these bytes are a 1xx answer or may become one. */
function mayBeInterim(bytes: Buffer): boolean {
  // The fast path: this line decides for nearly every answer.
  if (bytes.length > STATUS_CODE_OFFSET && bytes[STATUS_CODE_OFFSET] !== ONE) return false
  const length = Math.min(INTERIM.length, bytes.length)
  for (let i = 0; i < length; i++) if (INTERIM[i] === ZERO ? !isDigit(bytes[i]) : bytes[i] !== INTERIM[i]) return false
  return !isDigit(bytes[INTERIM.length])
}

const isDigit = (byte = 0): boolean => byte >= ZERO && byte <= 0x39

/** The offset after the empty line that ends a head; -1 when the bytes hold no such line. */
function endOf(bytes: Buffer): number {
  const crlf = bytes.indexOf('\r\n\r\n')
  return crlf < 0 ? -1 : crlf + 4
}
