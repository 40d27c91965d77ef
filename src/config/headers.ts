// What the headers of a service may be: the ones that are taken, and the shape of names and values.
import { SIGNATURE_HEADERS } from '../core/signing.ts'

/** Set by task_api on every request (docs/contract.md, section 2), or by HTTP itself for one connection. Case does not count. */
export const RESERVED_HEADERS = [
  'Content-Type',
  'Accept',
  'Accept-Encoding',
  'User-Agent',
  'Task-Location',
  'Task-Action',
  'Task-Step',
  'Task-Attempt',
  'Idempotency-Key',
  ...SIGNATURE_HEADERS,
  'traceparent',
  'tracestate',
  'Host',
  'Content-Length',
  'Content-Encoding',
  'Transfer-Encoding',
  'Connection',
  'Proxy-Connection',
  'Keep-Alive',
  'Upgrade',
  'HTTP2-Settings',
  'TE',
  'Trailer',
  'Expect',
] as const

/** The pattern of a header's name: a token of RFC 9110. */
export const HEADER_NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

/** What a header that breaks a rule should have been; undefined when it is fine. `others`: the names before it. */
export function faultOfHeader(name: string, value: unknown, others: readonly string[]): string | undefined {
  if (!new RegExp(HEADER_NAME).test(name)) return 'the name of a header: letters, digits and hyphens'
  if (RESERVED_HEADERS.some((reserved) => same(reserved, name)))
    return 'another header: task_api or HTTP itself sets this one'
  if (others.some((other) => same(other, name))) return 'every header once: upper and lower case are the same'
  if (typeof value !== 'string') return HEADER_VALUE_TYPE
  if (!isFieldValue(value))
    return "a header's value: no control characters, no spaces around it, nothing beyond Latin-1"
  return undefined
}

/** What a header's value must be, in words. */
export const HEADER_VALUE_TYPE = 'text (numbers, true and false in quotes)'

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const isFieldValue = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && !/^[ \t]|[ \t]$/.test(text)
