// A primary of Postgres and its synchronous standby, for one run: the primary is lost, and the standby takes over.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PostgresPair } from '../support/postgres-pair.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { OwnPostgres } from './servers.ts'

/** How the primary is lost: `killed`, or `woken` after the standby has been promoted. */
export type Loss = 'killed' | 'woken'

/** Nodes know both `hosts`, or one `address` that moves. */
export type Pairing = 'hosts' | 'address'

/** A Postgres for a run, with a standby where it is to have one. */
export const postgresOf = (pairing?: Pairing): Promise<OwnPostgres> =>
  pairing === undefined ? OwnPostgres.start() : OwnPair.open(pairing)

export class OwnPair extends OwnPostgres {
  readonly pair: PostgresPair
  /** The address that moves, for nodes; and another one for the run, which is never led to an old primary. */
  readonly #doors: { readonly nodes: TcpProxy; readonly run: TcpProxy }

  readonly #pairing: Pairing

  private constructor(
    pairing: Pairing,
    pair: PostgresPair,
    doors: { readonly nodes: TcpProxy; readonly run: TcpProxy },
  ) {
    const stop = async (): Promise<void> => {
      await Promise.all([doors.nodes.close(), doors.run.close()])
      await pair.close()
    }
    const url = pair.a.url.replace(`:${pair.a.port}/`, `:${doors.run.port}/`)
    super({ url, stop }, join(tmpdir(), 'task_api-no-folder'))
    this.pair = pair
    this.#pairing = pairing
    this.#doors = doors
  }

  static async open(pairing: Pairing): Promise<OwnPair> {
    const pair = await PostgresPair.open({ synchronous: true })
    const doors = { nodes: new TcpProxy(), run: new TcpProxy() }
    for (const door of Object.values(doors)) await door.listen(pair.a.port)
    return new OwnPair(pairing, pair, doors)
  }

  override get env(): Readonly<Record<string, string>> {
    return this.#pairing === 'hosts' ? { DATABASE_URL: this.pair.url } : {}
  }

  override get front(): number {
    return this.#doors.nodes.port
  }

  /** Loses the primary; resolves when the standby has been promoted, and the address leads to it. */
  async failOver(how: Loss): Promise<void> {
    const { a, b } = this.pair
    const { nodes, run } = this.#doors
    await run.close()
    if (how === 'killed') {
      await a.kill()
      await nodes.close()
    } else a.signal('SIGSTOP')
    await this.pair.promote()
    await run.listen(b.port)
    // Connections that are open stay with an old primary that wakes up.
    if (how === 'killed') await nodes.listen(b.port)
    else nodes.target = b.port
    if (how === 'woken') a.signal('SIGCONT')
  }
}
