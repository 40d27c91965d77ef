// The body of a refusal: problem+json (RFC 9457).
import { type Refusal, REFUSALS } from '../core/refusal.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** Seconds that a caller is told to wait after a 503. */
export const RETRY_AFTER_SECONDS = '1'

/** Headers of every answer: browsers must not guess its type, and caches must not store it. */
export const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' } as const

/** The text of a problem document. A 5xx only has the meaning of its code, because the error's text may hold internal names. */
export function problemText(refusal: Refusal): string {
  const { code, status, faults } = refusal
  const { title, meaning } = REFUSALS[code]
  return JSON.stringify({
    type: `urn:problem-type:task_api:${code}`,
    title,
    status,
    detail: status >= 500 ? meaning : refusal.message,
    code,
    ...(faults.length > 0 && { errors: faults }),
  })
}
