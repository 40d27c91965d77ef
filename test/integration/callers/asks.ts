// Requests of a caller, as tests of what callers need make them.
import pg from 'pg'

export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined where it is none. */
  // oxlint-disable-next-line no-explicit-any
  readonly json: any
  readonly location: string
}

/** Sends a request; `body` is a value, or JSON text as it is. */
export async function ask(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(text !== undefined && { body: text }),
  })
  const answer = await response.text()
  let json: unknown
  try {
    json = JSON.parse(answer)
  } catch {
    json = undefined
  }
  return {
    status: response.status,
    headers: response.headers,
    text: answer,
    json,
    location: response.headers.get('location') ?? '',
  }
}

/** Runs a statement in a transaction that stays open; what rolls it back, once. */
export async function holding(databaseUrl: string, sql: string, values: unknown[] = []): Promise<() => Promise<void>> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  await client.query('begin')
  await client.query(sql, values)
  let ended: Promise<void> | undefined
  return () => (ended ??= client.query('rollback').then(() => client.end()))
}

/** Inserts a task of `svc` with this `unique`. */
export const INSERT_UNIQUE = `
  insert into tasks (key, service, action, payload, payload_bytes, unique_key) values (gen_random_uuid(), 'svc', 'ok', '{}', 2, $1)`
/** Inserts the key of a POST of a task, as the node does. */
export const INSERT_KEY = `insert into idempotency_keys (scope, key, hash) values (' /tasks', $1, '')`
