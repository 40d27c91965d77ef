// What the actions of the demo service answer: one row an action.

/** An answer of the demo service, and how long it takes to give it. */
export interface Answer {
  readonly status: number
  readonly body: string | Buffer
  /** Milliseconds. */
  readonly after?: number
}

/** Answers one request. Throws a `RangeError` for a payload that the action cannot use. */
export type Action = (payload: Buffer) => Answer

export const ACTIONS: Readonly<Record<string, Action>> = {
  echo: (payload) => ({ status: 200, body: payload }),
  count,
  fail: () => json(500, { error: 'this action always fails' }),
  slow,
}

/** A JSON answer. */
export const json = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) })

const COUNT = { from: 0, to: 5 }

/** `{"from":0,"to":5}` is answered with the next state: 206 until the count is complete, then 200. */
function count(payload: Buffer): Answer {
  const { from, to } = { ...COUNT, ...members(payload) }
  if (!isCount(from) || !isCount(to)) throw new RangeError('"from" and "to" are whole numbers from 0 to 1000000')
  const next = Math.min(from + 1, to)
  return json(next < to ? 206 : 200, { from: next, to })
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1e6

/** `{"seconds":3}` is answered with 200 after as many seconds. */
function slow(payload: Buffer): Answer {
  const { seconds } = { seconds: 3, ...members(payload) } as { seconds: unknown }
  const fits = typeof seconds === 'number' && seconds >= 0 && seconds <= 30
  if (!fits) throw new RangeError('"seconds" is a number from 0 to 30')
  return { ...json(200, { seconds }), after: seconds * 1000 }
}

function members(payload: Buffer): object {
  const value = parsed(payload)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RangeError('the payload is a JSON object')
  return value
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}
