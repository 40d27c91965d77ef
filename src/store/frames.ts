// The messages that Postgres sends, only so far as it takes to stop those that pg cannot bear.

/** A type of one byte, and the length of the rest, which counts itself. */
const HEAD = 5
const LONGEST = 2 ** 30
const [ERROR, NOTICE, READY] = [0x45, 0x4e, 0x5a]

/** Reads the messages of one connection, in whatever pieces they come. */
export class Frames {
  readonly #head = Buffer.alloc(HEAD)
  #read = 0
  /** Bytes of the message that are still to come. */
  #left = 0
  /** What has come of it, where it is looked into. */
  #body: Buffer[] | undefined
  /** How often Postgres has still to say that it is ready. */
  #due = 0

  /** Something was sent that Postgres answers with one message that it is ready. */
  asked(): void {
    this.#due += 1
  }

  /**
   * Reads on. Throws at a length that no message has; at an error or a notice that does not end, in which pg's parser would look for
   * the end for ever; and at an answer that nobody has asked for, which pg would take for that to the next statement.
   */
  read(chunk: Buffer): void {
    for (let i = 0; i < chunk.length;) {
      if (this.#read < HEAD) {
        const taken = chunk.copy(this.#head, this.#read, i, i + HEAD - this.#read)
        this.#read += taken
        i += taken
        if (this.#read === HEAD) this.#begin()
      } else {
        const part = chunk.subarray(i, i + this.#left)
        this.#body?.push(part)
        this.#left -= part.length
        i += part.length
      }
      if (this.#read === HEAD && this.#left === 0) this.#end()
    }
  }

  #begin(): void {
    const [type, length] = [this.#head[0], this.#head.readUInt32BE(1)]
    if (length < HEAD - 1 || length > LONGEST) throw new Error('a message of a length that none has')
    this.#left = length - (HEAD - 1)
    this.#body = type === ERROR || type === NOTICE ? [] : undefined
  }

  #end(): void {
    this.#read = 0
    if (this.#body && !hasEnd(Buffer.concat(this.#body))) throw new Error('an error without an end')
    if (this.#head[0] === READY && (this.#due -= 1) < 0) throw new Error('an answer to nothing')
  }
}

/** Whether the fields of an error, each a type and a text that ends with 0, are followed by a last 0. */
function hasEnd(body: Buffer): boolean {
  let at = 0
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at)
    if (end < 0) return false
    at = end + 1
  }
  return at === body.length - 1
}
