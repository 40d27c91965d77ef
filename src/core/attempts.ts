// The log of tries: what is kept of one request of a task.
import { ADDRESS_REFUSED } from './address.ts'
import type { Reply } from './answers.ts'
import type { Failure } from './failures.ts'
import type { AttemptLog } from './service.ts'

/** How much of an answer's body is kept, bytes. */
const MAX_BODY_BYTES = 4096

/** One try, as its actor tells it. */
export interface Attempt {
  readonly step: number
  readonly attempt: number
  /** How long it took, ms. */
  readonly ms: number
  /** The status of the answer, or a word for what came in its place. */
  readonly outcome: string
  readonly detail: string | null
  /** The wait until the next try, ms; null: none follows, or at once. */
  readonly wait: number | null
  /** The beginning of the body of an answer that was not plain. */
  readonly body: string | null
}

/** What a request came to where no answer came. Each has a number, its place: no status of an answer is below 100. */
const WORDS = [
  'none',
  'timeout',
  'lacking',
  'stopped',
  'reset',
  'refused',
  'no address',
  'no route',
  'address refused',
] as const

type Word = (typeof WORDS)[number]

/** What a connection that fails is called, by the code or the text of its error. */
const CAUSES: Readonly<Record<string, Word>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ENOTFOUND: 'no address',
  EAI_AGAIN: 'no address',
  ENETUNREACH: 'no route',
  EHOSTUNREACH: 'no route',
  [ADDRESS_REFUSED]: 'address refused',
}

/** What a request came to, as a number: the status of the answer, or the place of a word. */
export function outcomeNumber(reply: Reply | 'stopped'): number {
  if (reply === 'stopped') return WORDS.indexOf(reply)
  if (reply.kind === 'answer') return reply.status
  return WORDS.indexOf(reply.kind === 'unreachable' ? (CAUSES[reply.detail] ?? 'reset') : reply.kind)
}

/** The same as a word. */
export const outcomeWord = (outcome: number): string => WORDS[outcome] ?? String(outcome)

interface Tried {
  readonly step: number
  readonly attempt: number
  readonly ms: number
  readonly wait: number | null
  /** Absent: the try did not fail. */
  readonly failure?: Failure | undefined
}

/** What the log keeps of a try; undefined: nothing. */
export function attemptOf(reply: Reply, tried: Tried, log: AttemptLog): Attempt | undefined {
  if (log === 'none') return undefined
  const { step, attempt, wait, failure } = tried
  const answered = reply.kind === 'answer'
  const plain = answered && (reply.status === 200 || reply.status === 206) && failure === undefined
  if (plain && log !== 'all') return undefined
  const outcome = outcomeWord(outcomeNumber(reply))
  const body = answered && !plain && reply.body.text !== '' ? begun(reply.body.text) : null
  return { step, attempt, ms: Math.round(tried.ms), outcome, detail: failure?.detail ?? null, wait, body }
}

/** The beginning of a text, cut between two characters, without what a text of Postgres cannot hold. */
function begun(text: string): string {
  const bytes = Buffer.from(text.slice(0, MAX_BODY_BYTES)).subarray(0, MAX_BODY_BYTES)
  // Of a stream it keeps back a character that has only begun.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true }).replaceAll('\0', '\ufffd')
}
