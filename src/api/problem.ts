// The body of a refusal: problem+json (RFC 9457).
import { type Refusal, REFUSALS } from '../core/refusal.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** Seconds that a caller is told to wait after a 503. */
export const RETRY_AFTER_SECONDS = '1'

/** Sent with every answer. They cost nothing, and answers are nobody's to sniff or to keep. */
export const COMMON_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' } as const

/** The text of a problem. A 5xx says what its code means and no more: its own words may hold names that are not for callers. */
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
