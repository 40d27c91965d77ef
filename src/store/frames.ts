// Reads the messages of Postgres just far enough to reject those that make pg hang or fail.

/** The head of a message: its type, and the length of the rest. The length counts its own four bytes. */
const HEAD_BYTES = 5
const MAX_MESSAGE_BYTES = 2 ** 30
const [ERROR, NOTICE, READY] = [0x45, 0x4e, 0x5a]

/** Reads the messages of one connection, in chunks of any size. */
export class Frames {
  readonly #head = Buffer.alloc(HEAD_BYTES)
  #read = 0
  /** Bytes of the message that have not arrived. */
  #left = 0
  /** The body so far, if the message is an error or a notice. */
  #body: Buffer[] | undefined
  /** The number of `ReadyForQuery` messages that are expected. */
  #due = 0

  /** Call this when something is sent that Postgres answers with one `ReadyForQuery`. */
  asked(): void {
    this.#due += 1
  }

  /**
   * Reads a chunk. Throws in three cases: a length is not possible; an error or a notice has no end, so that pg's parser would loop
   * forever; an answer was not asked for, so that pg would take it for the answer to the next statement.
   */
  read(chunk: Buffer): void {
    for (let i = 0; i < chunk.length;) {
      if (this.#read < HEAD_BYTES) {
        const taken = chunk.copy(this.#head, this.#read, i, i + HEAD_BYTES - this.#read)
        this.#read += taken
        i += taken
        if (this.#read === HEAD_BYTES) this.#begin()
      } else {
        const part = chunk.subarray(i, i + this.#left)
        this.#body?.push(part)
        this.#left -= part.length
        i += part.length
      }
      if (this.#read === HEAD_BYTES && this.#left === 0) this.#end()
    }
  }

  #begin(): void {
    const [type, length] = [this.#head[0], this.#head.readUInt32BE(1)]
    if (length < HEAD_BYTES - 1 || length > MAX_MESSAGE_BYTES) throw new Error('a message of a length that none has')
    this.#left = length - (HEAD_BYTES - 1)
    this.#body = type === ERROR || type === NOTICE ? [] : undefined
  }

  #end(): void {
    this.#read = 0
    if (this.#body && !hasEnd(Buffer.concat(this.#body))) throw new Error('an error without an end')
    if (this.#head[0] === READY && (this.#due -= 1) < 0) throw new Error('an answer to nothing')
  }
}

/** Whether a last 0 follows the fields of an error. Each field is a type and a text that ends with 0. */
function hasEnd(body: Buffer): boolean {
  let at = 0
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at)
    if (end < 0) return false
    at = end + 1
  }
  return at === body.length - 1
}
