// What a server of Postgres is: the primary, a standby, or none that can be used. Asks over a connection of its own.
import { Client } from './client.ts'

/** What one of several servers is. */
export interface ServerSeen {
  readonly host: string
  /** `read-only`: no standby, and yet it takes no writes. */
  readonly is: 'primary' | 'standby' | 'read-only' | 'unreachable'
  /** When it was started: the same through two poolers of one server. */
  readonly started?: string
  readonly error?: unknown
}

const CONNECT_TIMEOUT_MS = 3_000
/** How long each question may take, ms. */
export const ANSWER_TIMEOUT_MS = 3_000

const ROLE = `
select case when pg_is_in_recovery() then 'standby' when current_setting('transaction_read_only') = 'on' then 'read-only' else 'primary' end as is,
  pg_postmaster_start_time()::text as started`

/** Asks a server what it is. Never throws. */
export async function seen(url: string): Promise<ServerSeen> {
  const client = clientOf(url)
  const host = `${client.host}:${client.port}`
  try {
    await client.connect()
    return { host, ...first((await client.query<Pick<ServerSeen, 'is' | 'started'>>(ROLE)).rows) }
  } catch (error) {
    return { host, is: 'unreachable', error }
  } finally {
    client.drop()
  }
}

/** A connection for questions. */
export function clientOf(url: string): Client {
  const client = new Client({
    connectionString: url,
    application_name: 'task_api_doctor',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS + 500,
  })
  client.on('error', () => {})
  return client
}

/** The only row. */
export function first<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('Postgres answered without a row')
  return row
}
