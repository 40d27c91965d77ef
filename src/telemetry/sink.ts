// Writes lines to a file, pipe, socket or terminal without ever blocking the node, even when nobody reads.
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** The most bytes that wait in memory. */
const MAX_WAITING_BYTES = 1 << 20
/** The wait between two tries, ms. It doubles while nothing can be written. */
const RETRY_WAIT_MS = { first: 10, most: 1_000 }
/** How long the end of the process waits for a reader. */
const EXIT_FLUSH_TIMEOUT_MS = 1_000

/**
 * Writes each line at once with a system call. Bytes that the descriptor does not accept wait in memory and are tried again; beyond
 * `limit` bytes lines are dropped. `told` gets the number of dropped lines when all waiting bytes are written. Never throws; only
 * `flush` blocks.
 */
export class Sink {
  readonly #fd: number
  readonly #told: (dropped: number) => void
  readonly #limit: number
  #waiting: Buffer[] = []
  #size = 0
  #dropped = 0
  #pause = RETRY_WAIT_MS.first

  /** `fd` must not block. */
  constructor(fd: number, told: (dropped: number) => void, limit = MAX_WAITING_BYTES) {
    this.#fd = fd
    this.#told = told
    this.#limit = limit
  }

  /** Writes a line. A `last` line is never dropped, because the process ends after it. */
  write(line: string, last = false): void {
    if (this.#waiting.length > 0) return this.#keep(Buffer.from(line), last)
    const written = this.#attempt(line)
    if (written === Buffer.byteLength(line)) return
    this.#keep(Buffer.from(line).subarray(written), last)
    this.#later()
  }

  /** Writes the waiting bytes, and waits for a reader for at most `ms` milliseconds. Blocks; only for the end of the process. */
  flush(ms: number): void {
    const end = performance.now() + ms
    while (!this.#retry()) {
      if (performance.now() >= end) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
    this.#tell()
  }

  /** After a dropped line all further lines are dropped until the waiting bytes are written. So the notice has the right place. */
  #keep(bytes: Buffer, last: boolean): void {
    if (!last && this.#waiting.length > 0 && (this.#dropped > 0 || this.#size + bytes.length > this.#limit)) {
      this.#dropped += 1
      return
    }
    this.#waiting.push(bytes)
    this.#size += bytes.length
  }

  #later(): void {
    setTimeout(() => {
      const before = this.#size
      if (this.#retry()) {
        this.#pause = RETRY_WAIT_MS.first
        this.#tell()
      } else {
        this.#pause = this.#size < before ? RETRY_WAIT_MS.first : Math.min(this.#pause * 2, RETRY_WAIT_MS.most)
        this.#later()
      }
    }, this.#pause).unref()
  }

  /** Tries to write the waiting bytes; true when nothing waits any more. */
  #retry(): boolean {
    if (this.#waiting.length > 0) {
      const all = Buffer.concat(this.#waiting)
      const rest = all.subarray(this.#attempt(all))
      this.#waiting = rest.length > 0 ? [rest] : []
      this.#size = rest.length
    }
    return this.#waiting.length === 0
  }

  #tell(): void {
    const dropped = this.#dropped
    this.#dropped = 0
    if (dropped > 0) this.#told(dropped)
  }

  /** Returns the number of bytes written. An error counts as 0: a full disk, or a slow or missing reader, may recover. */
  #attempt(bytes: string | Buffer): number {
    try {
      return typeof bytes === 'string' ? writeSync(this.#fd, bytes) : writeSync(this.#fd, bytes)
    } catch {
      return 0
    }
  }
}

/** The sink of stdout (1) or stderr (2). It is flushed when the process ends. */
export function openSink(fd: 1 | 2, told: (dropped: number) => void = () => {}): Sink {
  const sink = new Sink(unblocked(fd), told)
  process.once('exit', () => sink.flush(EXIT_FLUSH_TIMEOUT_MS))
  return sink
}

/**
 * A non-blocking descriptor of the same pipe or terminal. On Linux the pipe or terminal is opened again, because O_NONBLOCK on a
 * shared descriptor would affect other processes. Elsewhere Node makes pipes and sockets non-blocking when the stream is used.
 */
function unblocked(fd: 1 | 2): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    if (process.platform === 'linux' && (isatty(fd) || fstatSync(fd).isFIFO()))
      return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    // The pipe or terminal belongs to another user, or has no reader now.
  }
  void (fd === 1 ? process.stdout : process.stderr)
  return fd
}
