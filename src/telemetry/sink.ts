// Where lines go that must never hold the node up: a file, a pipe, a socket or a terminal, which may be full or read by nobody.
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** What waits in memory at most, in bytes. */
const MAX_WAITING_BYTES = 1 << 20
/** The times between two tries, ms: doubled as long as nothing is taken. */
const RETRY_WAIT_MS = { first: 10, most: 1_000 }
/** How long the end of the process waits for a reader, ms. */
const EXIT_FLUSH_TIMEOUT_MS = 1_000

/**
 * Writes a line at once, as a system call, while its descriptor takes it. What is not taken waits in memory and is tried again; beyond
 * `limit` bytes lines are dropped. `told` is called with their number when all that waited is written. Nothing here throws or blocks.
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

  /** Takes a line. One that is `last` is kept even where others are dropped: the process ends with it. */
  write(line: string, last = false): void {
    if (this.#waiting.length > 0) return this.#keep(Buffer.from(line), last)
    const written = this.#attempt(line)
    if (written === Buffer.byteLength(line)) return
    this.#keep(Buffer.from(line).subarray(written), last)
    this.#later()
  }

  /** Writes what waits, and waits for a reader at most `ms`: for the end of the process. Blocks. */
  flush(ms: number): void {
    const end = performance.now() + ms
    while (!this.#retry()) {
      if (performance.now() >= end) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
    this.#tell()
  }

  /** Once a line is dropped so is the next, until all before it is written: the notice then stands where they are missing. */
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

  /** Whether nothing waits any more. */
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

  /** How many bytes are taken. Why not all does not matter: a full disk, a reader that is slow or gone, each may pass. */
  #attempt(bytes: string | Buffer): number {
    try {
      return typeof bytes === 'string' ? writeSync(this.#fd, bytes) : writeSync(this.#fd, bytes)
    } catch {
      return 0
    }
  }
}

/** The sink of stdout (1) or stderr (2), which is flushed when the process ends. */
export function openSink(fd: 1 | 2, told: (dropped: number) => void = () => {}): Sink {
  const sink = new Sink(unblocked(fd), told)
  process.once('exit', () => sink.flush(EXIT_FLUSH_TIMEOUT_MS))
  return sink
}

/**
 * A descriptor of the same pipe or terminal that does not block. Linux opens it anew: other processes write there too, and what one
 * sets on a descriptor that they share holds for all. Node makes pipes and sockets so by itself when it is asked for the stream.
 */
function unblocked(fd: 1 | 2): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    if (process.platform === 'linux' && (isatty(fd) || fstatSync(fd).isFIFO()))
      return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    // It belongs to somebody else, or has no reader now.
  }
  void (fd === 1 ? process.stdout : process.stderr)
  return fd
}
