// Requests to the API, with a time limit, and what its refusals mean for a command.
import { Buffer } from 'node:buffer'
import fetch, { Headers } from 'node-fetch'
import { CommandError } from './exits.ts'
import { oneLine, visible } from './text.ts'

/** The API that a command calls. */
export interface Api {
  /** Without a slash at its end. */
  readonly url: string
  /** The time limit of one request, its answer included, in milliseconds. */
  readonly timeLimit: number
  /** Sent with every request. Never shown: they may be secrets. */
  readonly headers: Headers
  /** Whether the address of the API, a key, or headers in the environment, were given. */
  readonly settled: boolean
}

/** An answer that the caller expected. */
export interface Reply {
  /** The body, to the byte, as text. */
  readonly text: string
  header(name: string): string | undefined
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Begins with a slash. */
  readonly path: string
  readonly body?: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
  /** The statuses of success. */
  readonly expect: readonly number[]
}

/** Larger than any page of the list with one very large task in it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Sends one request. Throws a `CommandError` for everything but an expected status. */
export async function call(api: Api, asked: Call): Promise<Reply> {
  const answer = await sent(api, asked)
  if (asked.expect.includes(answer.status)) return answer
  throw refusal(api, answer.status, answer.text)
}

async function sent(api: Api, { method, path, body, headers }: Call): Promise<Reply & { status: number }> {
  try {
    const response = await fetch(api.url + path, {
      method,
      headers: headersOf(api, body !== undefined, headers),
      ...(body !== undefined && { body }),
      redirect: 'manual',
      size: MAX_ANSWER_BYTES,
      signal: AbortSignal.timeout(api.timeLimit),
    })
    const text = Buffer.from(await response.arrayBuffer()).toString('utf8')
    return { status: response.status, text, header: (name) => response.headers.get(name) ?? undefined }
  } catch (error) {
    throw new CommandError('unreachable', unreachable(api, error))
  }
}

function headersOf(api: Api, hasBody: boolean, own: Readonly<Record<string, string>> = {}): Headers {
  const headers = new Headers(api.headers)
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  if (hasBody) headers.set('content-type', 'application/json')
  return headers
}

function unreachable(api: Api, error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer from ${api.url} in ${api.timeLimit / 1000} s`
  if (code === 'ECONNREFUSED') return `nothing listens on ${api.url}: is task_api running? npm start`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host of ${api.url} is not known`
  return `cannot reach ${api.url}: ${visible(code || message)}`
}

function refusal(api: Api, status: number, text: string): CommandError {
  const { code, title, detail, errors } = problemOf(text)
  if (status < 400)
    return new CommandError('unreachable', `${api.url} answered ${status}: is it task_api that listens there?`)
  const said = code === undefined ? oneLine(text).slice(0, 200) : [title, detail].filter(Boolean).join(': ')
  const lines =
    [`${status} ${code ?? ''}`.trim(), said].filter(Boolean).join(' - ') + errors.map((line) => `\n  ${line}`).join('')
  const hint = code === 'unauthorized' ? `\n${KEY_HINTS[api.headers.has('authorization') ? 'sent' : 'none']}` : ''
  const exit = status >= 500 ? 'unreachable' : status === 404 && code === 'not_found' ? 'no_task' : 'refused'
  return new CommandError(exit, visible(lines + hint), code === undefined ? undefined : text)
}

/** What to do about a key that is not accepted, or that was not sent. */
const KEY_HINTS = {
  none: '  no key was sent: set TASK_API_KEY, or use --key-file',
  sent: '  the key that was sent is not accepted: is it of this API, and has it expired?',
}

interface Problem {
  readonly code?: string
  readonly title?: string
  readonly detail?: string
  readonly errors: readonly string[]
}

/** The text members of a problem document (RFC 9457); empty when the text is no such document. */
function problemOf(text: string): Problem {
  const value = objectOf(text)
  const strings = Object.fromEntries(Object.entries(value).filter(([, member]) => typeof member === 'string'))
  const list: unknown[] = Array.isArray(value.errors) ? value.errors : []
  const errors = list.map((item) => {
    const { pointer, parameter, path, line, detail } =
      typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {}
    const place = [pointer ?? parameter ?? path, typeof line === 'number' ? `line ${line}` : '']
    return `${place.filter((part) => part !== '').join(', ')}: ${String(detail)}`
  })
  return { ...strings, errors }
}

/** A JSON object as a record; empty when the text is something else. */
export function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}
