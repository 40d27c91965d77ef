// A row of the tables of raw connections, and the pieces that rows are made of.

/** A status, or those that are as good. */
export type Statuses = number | readonly number[]

/** One connection: what is sent over it, and what must come back. */
export interface Row {
  readonly name: string
  /** One character for each byte. */
  readonly send: string
  /** The answers, in their order; not one more. */
  readonly answers: readonly Statuses[]
  /** `open`: the connection serves the next request, so nothing of this one is left on it. */
  readonly connection: 'open' | 'closed'
  /** What the caller does once it has sent all: `end` closes its own half, `reset` cuts the connection. */
  readonly finish?: 'end' | 'reset'
}

/** The task that is taken wherever a row says 302. */
export const TASK = '{"service":"svc","action":"raw","payload":[1]}'

export const HEADS = 'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
export const CHUNKED = 'Transfer-Encoding: chunked\r\n'
export const LENGTH = `Content-Length: ${TASK.length}\r\n`

/** The task as one chunk. */
export const CHUNK = `${TASK.length.toString(16)}\r\n${TASK}\r\n`
export const LAST = '0\r\n\r\n'

/** A GET, without the empty line at its end. */
export const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n'

/** What a smuggler hides in the body of another request. It is never to be answered. */
export const HIDDEN = 'GET /tasks/smuggled HTTP/1.1\r\nHost: x\r\n\r\n'

/** Refused, and the connection closed. */
export const refused = (name: string, send: string, status: Statuses = 400, finish?: Row['finish']): Row => ({
  name,
  send,
  answers: [status],
  connection: 'closed',
  ...(finish && { finish }),
})

/** Answered, and the connection serves on. */
export const answered = (name: string, send: string, ...answers: readonly Statuses[]): Row => ({
  name,
  send,
  answers,
  connection: 'open',
})
