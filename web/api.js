// Requests to the API of the node that has served the page.
import { kept, shared } from './store.js'

/** Where the API is: the folder of the page, under whatever path a proxy serves it. */
const BASE = new URL('.', document.baseURI)
/** The longest that an answer may take, ms: a change of many takes up to 8 s. */
const MOST_MS = 20_000

/** The token of a key, kept for this tab; '' without one. */
export const token = kept(() => sessionStorage, 'task_api.token', '')
/** How often a token was given: the same one may be given again. */
export const attempts = shared(0)
/** Since when the node does not answer, ms; 0: it does. */
export const offline = shared(0)
/** Whether the node wants a key, or another one: undefined, or what it says. */
export const locked = shared(undefined)
/** What the caller may do: the answer of GET /caller. */
export const caller = shared(undefined)

/** The node answers, and refuses. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The node answers ${status}.`)
    this.status = status
    this.code = problem.code
    this.faults = problem.errors ?? []
  }
}

/** The node does not answer. */
export class Unreachable extends Error {
  constructor() {
    super('The node does not answer.')
  }
}

/** The address of a path, with the parameters that have a value. */
export function addressOf(path, parameters = {}) {
  const url = new URL(path.replace(/^\//, ''), BASE)
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, value)
  return url
}

/** Sends a request. Gives the answer as text, and its `Link` to the next page. Throws `Refused`, `Unreachable`, or an AbortError. */
export async function ask(method, path, { parameters, body, headers, signal } = {}) {
  const sent = token.get()
  let response
  let text
  try {
    response = await fetch(addressOf(path, parameters), {
      method,
      headers: {
        ...(sent !== '' && { authorization: `Bearer ${sent}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      cache: 'no-store',
      signal: AbortSignal.any([AbortSignal.timeout(MOST_MS), ...(signal ? [signal] : [])]),
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    if (offline.get() === 0) offline.set(Date.now())
    throw new Unreachable()
  }
  // A proxy in front says that it cannot reach the node.
  if ((response.status === 502 || response.status === 504) && !text.startsWith('{')) {
    if (offline.get() === 0) offline.set(Date.now())
    throw new Unreachable()
  }
  offline.set(0)
  if (response.ok) return { status: response.status, headers: response.headers, text, next: nextOf(response) }
  const refusal = new Refused(response.status, problemOf(text))
  refusal.retryAfter = Number(response.headers.get('retry-after')) || 0
  // Another token may have been given meanwhile.
  if (response.status === 401 && sent === token.get()) locked.set(refusal.message)
  throw refusal
}

/** When an answer was given, by the clock of the node, ms. */
export const answeredAt = ({ headers }) => Date.parse(headers.get('date') ?? '') || Date.now()

/** The answer of a GET as a value. Whole numbers beyond 2^53 are not exact: where they matter the text is shown. */
export const read = async (path, options) => JSON.parse((await ask('GET', path, options)).text)

/** Sends a change, and gives the answer as a value; undefined without a body. */
export async function change(method, path, body, options = {}) {
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const { text } = await ask(method, path, { ...options, body: sent })
  return text === '' ? undefined : JSON.parse(text)
}

const nextOf = (response) => /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]

function problemOf(text) {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** An `Idempotency-Key`. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('-')

/** Whether the page may show an action that needs this scope. Without `operate` it shows none. */
export function may(scope) {
  const scopes = caller.get()?.scopes ?? []
  return scopes.includes('operate') && scopes.includes(scope)
}
