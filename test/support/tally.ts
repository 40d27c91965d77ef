// Counts what a node asks of its servers, at the links between: statements, commands, and connections.
import type { Link } from '../chaos/link.ts'

/** The end of each extended query of Postgres' protocol; a simple one begins with Q. */
const SYNC = Buffer.from([0x53, 0, 0, 0, 4])
const SIMPLE = 0x51
/** How a command of Redis begins. */
const COMMAND = /\*\d+\r\n\$/g
/** What only the beat of a node has in its text. */
const BEAT = 'with old as materialized (select id, lease_until'

/** What a node asked for since the last `reset`. */
export class Tally {
  statements = 0
  commands = 0
  /** Connections to either, refused ones too. */
  connections = 0
  beats = 0
  #since = performance.now()
  readonly #waiting = new Set<() => void>()

  constructor(postgres: Link, redis?: Link) {
    postgres.heard = (outward, chunk) => {
      if (!chunk) this.connections += 1
      else if (outward) {
        this.statements += (chunk[0] === SIMPLE ? 1 : 0) + countOf(chunk)
        this.beats += chunk.includes(BEAT) ? 1 : 0
      }
      this.#look()
    }
    if (redis)
      redis.heard = (outward, chunk) => {
        if (!chunk) this.connections += 1
        else if (outward) this.commands += chunk.toString('latin1').match(COMMAND)?.length ?? 0
        this.#look()
      }
  }

  reset(): void {
    this.statements = this.commands = this.connections = this.beats = 0
    this.#since = performance.now()
  }

  /** Resolves as soon as it has counted so many of one kind. */
  reaches(kind: 'beats' | 'connections', count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this[kind] < count) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** By the second, since the last `reset`. */
  get rates(): { statements: number; commands: number; connections: number } {
    const seconds = (performance.now() - this.#since) / 1_000
    const { statements, commands, connections } = this
    return { statements: statements / seconds, commands: commands / seconds, connections: connections / seconds }
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}

function countOf(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(SYNC); at >= 0; at = chunk.indexOf(SYNC, at + 1)) count += 1
  return count
}
