// The headers of the API: what callers may send beside what HTTP itself needs, and what answers have.
import { type Schema, wholeSchema } from '../core/json-schema.ts'

interface Header {
  readonly description: string
  readonly schema: Schema
}

const text = { type: 'string' } as const

export const REQUEST_HEADERS = {
  'Idempotency-Key': {
    description:
      'With it the request can be repeated safely: for 24 h the same key with the same body is answered as the first was. ' +
      '1 to 255 visible ASCII characters, without the backslash; they may stand in quotes.',
    schema: { ...text, pattern: '^(?:[!#-\\[\\]-~]{1,255}|"[!#-\\[\\]-~]{1,255}")$' },
  },
  Prefer: {
    description:
      '`return=representation`: the answer to a POST is 201 in place of 302. `wait=30`: the answer comes once the task has ended, ' +
      'or after 30 s; 60 s at most. Both may be given, with a comma between.',
    schema: text,
  },
  'Last-Event-ID': {
    description: 'The id of the last event that the caller has heard. Browsers send it by themselves.',
    schema: text,
  },
  'If-None-Match': { description: 'The `ETag` of what the caller has.', schema: text },
} as const satisfies Record<string, Header>

export type RequestHeader = keyof typeof REQUEST_HEADERS

export const ANSWER_HEADERS = {
  Location: { description: 'A path without a host.', schema: text },
  Link: { description: 'The path of the next page: `<…>; rel="next"`. Absent: there is no more.', schema: text },
  'Task-Existing': { description: '`true`: the task had been there.', schema: { const: 'true' } },
  'Idempotency-Replayed': {
    description: '`true`: an earlier request with this `Idempotency-Key` has created the task.',
    schema: { const: 'true' },
  },
  'Preference-Applied': { description: 'What of `Prefer` was heeded.', schema: text },
  'Retry-After': { description: 'Try again after so many seconds.', schema: { ...wholeSchema(0, 86_400) } },
  ETag: { description: 'Another one for each version.', schema: text },
  'WWW-Authenticate': {
    description: '`Bearer`, and `error="invalid_token"` where the key that was sent does not count.',
    schema: text,
  },
  Allow: { description: 'The methods of the path.', schema: text },
} as const satisfies Record<string, Header>

export type AnswerHeader = keyof typeof ANSWER_HEADERS
