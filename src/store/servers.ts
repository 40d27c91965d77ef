// The servers of a URL of Postgres: which of them new connections go to, and when the open ones are given up.
import type { ClientConfig } from 'pg'
import { postgresServers } from '../core/postgres-url.ts'
import { Client } from './client.ts'
import { sqlState } from './trouble.ts'

/** How long a new connection may take, ms: all servers that are tried together. */
const CONNECT_TIMEOUT_MS = 2_000

/** The servers of one URL, for all pools of a node. */
export class Servers {
  readonly #urls: readonly string[]
  readonly #writable: boolean
  readonly #renewals: (() => void)[] = []
  /** The one that is tried first: the last good one. */
  #first = 0
  #era = 0

  constructor(url: string) {
    const { urls, writable } = postgresServers(url)
    this.#urls = urls
    this.#writable = writable
  }

  /** `renew` is called whenever the open connections may be those of a server that is not the right one any more. */
  onRenewal(renew: () => void): void {
    this.#renewals.push(renew)
  }

  /** Opens a connection to the first server that is fit. Throws what they said. */
  async connect(config: ClientConfig = {}): Promise<Client> {
    const [first, era] = [this.#first, this.#era]
    const errors: unknown[] = []
    for (const i of this.#urls.keys()) {
      const at = (first + i) % this.#urls.length
      const client = await this.#open(this.#urls[at] ?? '', config).catch((error: unknown) => void errors.push(error))
      if (!client) continue
      if (era !== this.#era) {
        client.drop()
        return this.connect(config)
      }
      if (i > 0) this.renew()
      this.#first = at
      client.era = this.#era
      return client
    }
    throw errors.length === 1 ? errors[0] : severalOf(errors)
  }

  /** The URL of the server that a connection goes to. */
  async find(): Promise<string> {
    const client = await this.connect()
    client.drop()
    return this.#urls[this.#first] ?? ''
  }

  /** The server of a connection is not the right one any more, as far as one can tell: the next one is tried first. */
  leave({ era }: Pick<Client, 'era'>): void {
    if (era !== this.#era) return
    this.#first = (this.#first + 1) % this.#urls.length
    this.renew()
  }

  /** Gives up all connections that are open, or are being opened. */
  renew(): void {
    this.#era += 1
    for (const renew of this.#renewals) renew()
  }

  async #open(connectionString: string, config: ClientConfig): Promise<Client> {
    const limit = CONNECT_TIMEOUT_MS / this.#urls.length
    const end = performance.now() + limit
    const client = new Client({ ...config, connectionString, connectionTimeoutMillis: limit })
    client.on('error', () => {})
    try {
      await client.connect()
      if (this.#writable && (await isReadOnly(client, Math.max(1, end - performance.now())))) throw readOnly()
      return client
    } catch (error) {
      client.drop()
      if (this.#urls.length > 1 && error instanceof Error)
        error.message = `${client.host}:${client.port}: ${said(error)}`
      throw error
    }
  }
}

/** Whether a server takes no writes: a standby, or one whose transactions are read-only. */
async function isReadOnly(client: Client, ms: number): Promise<boolean> {
  const question = { text: 'show transaction_read_only', query_timeout: ms }
  const { rows } = await client.query<{ transaction_read_only: string }>(question)
  return rows[0]?.transaction_read_only === 'on'
}

/** As Postgres says it of a write. */
const readOnly = (): Error =>
  Object.assign(new Error('the server takes no writes'), { severity: 'FATAL', code: '25006' })

/** One error of several: with the SQLSTATE of the first that has one. */
function severalOf(errors: readonly unknown[]): Error {
  const code = errors.map(sqlState).find((state) => state !== undefined)
  const all = new Error(errors.map(said).join('; '), { cause: errors })
  return code === undefined ? all : Object.assign(all, { severity: 'FATAL', code })
}

/** What an error says. Where several addresses of a host have failed, Node's error has only a code. */
function said(error: unknown): string {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown }
  return String(message || code || error)
}
