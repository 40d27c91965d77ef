// JSON as bytes: checks whether the text is valid and how deep it is, and finds the members of an object. It never builds values.
import { isUtf8 } from 'node:buffer'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  malformed,
  OPEN_ARRAY,
  OPEN_OBJECT,
  skipName,
  skipSpace,
  skipString,
  skipText,
  skipValue,
  TOO_DEEP,
} from './json-scan.ts'

/** A member of an object: its name, decoded, and the bytes [start, end) of its value, without the whitespace around it. */
export interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The result of `scanMembers`. `at` is the offset of the first byte that is not valid JSON. */
export type MembersScan =
  | { readonly kind: 'members'; readonly members: readonly Member[] }
  | { readonly kind: 'malformed'; readonly at: number }
  | { readonly kind: 'too_deep' }
  | { readonly kind: 'not_object' }

/**
 * Whether bytes are one JSON text (RFC 8259, UTF-8, no byte order mark), nested at most `maxDepth` containers deep.
 * For text that is both too deep and malformed, the first fault counts.
 */
export function checkJson(bytes: Uint8Array, maxDepth: number): 'ok' | 'malformed' | 'too_deep' {
  if (!isUtf8(bytes)) return 'malformed'
  const end = skipText(bytes, maxDepth)
  return end >= 0 ? 'ok' : end === TOO_DEEP ? 'too_deep' : 'malformed'
}

/**
 * The members of a JSON object, in order, duplicates included; the object itself counts as depth 1. The bytes must be
 * UTF-8. For text that is both too deep and malformed, the first fault counts.
 */
export function scanMembers(bytes: Buffer, maxDepth: number): MembersScan {
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== OPEN_OBJECT || maxDepth < 1) {
    const end = skipText(bytes, maxDepth)
    return end >= 0 ? { kind: 'not_object' } : refusal(end)
  }
  const members: Member[] = []
  at = readMembers(bytes, at + 1, members, maxDepth)
  if (at < 0) return refusal(at)
  at = skipSpace(bytes, at)
  return at === bytes.length ? { kind: 'members', members } : { kind: 'malformed', at }
}

/** An item of an array: the bytes [start, end), and its members where it is an object. */
export interface Item {
  readonly start: number
  readonly end: number
  readonly members: readonly Member[] | undefined
}

/** The result of `scanItems`; `more`: there are further items, which were checked and not kept. */
export type ItemsScan =
  | { readonly kind: 'items'; readonly items: readonly Item[]; readonly more: boolean }
  | { readonly kind: 'malformed'; readonly at: number }
  | { readonly kind: 'too_deep' }
  | { readonly kind: 'not_array' }

/** The first `most` items of a JSON array, like `scanMembers`; the array counts as depth 1. */
export function scanItems(bytes: Buffer, maxDepth: number, most: number): ItemsScan {
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== OPEN_ARRAY || maxDepth < 1) {
    const end = skipText(bytes, maxDepth)
    return end >= 0 ? { kind: 'not_array' } : refusal(end)
  }
  const items: Item[] = []
  let count = 0
  at = skipSpace(bytes, at + 1)
  while (bytes[at] !== CLOSE_ARRAY || count > 0) {
    const start = at
    const members: Member[] | undefined = bytes[at] === OPEN_OBJECT && maxDepth > 1 ? [] : undefined
    at = members ? readMembers(bytes, at + 1, members, maxDepth - 1) : skipValue(bytes, at, [], maxDepth - 1)
    if (at < 0) return refusal(at)
    if (++count <= most) items.push({ start, end: at, members })
    at = skipSpace(bytes, at)
    if (bytes[at] === CLOSE_ARRAY) break
    if (bytes[at] !== COMMA) return { kind: 'malformed', at }
    at = skipSpace(bytes, at + 1)
  }
  at = skipSpace(bytes, at + 1)
  return at === bytes.length ? { kind: 'items', items, more: count > most } : { kind: 'malformed', at }
}

/** The text as a JSON string literal. Lone surrogates become escapes, because UTF-8 cannot hold them. */
export const asJsonString = (text: string): string => JSON.stringify(text)

const refusal = (end: number): { readonly kind: 'too_deep' } | { readonly kind: 'malformed'; readonly at: number } =>
  end === TOO_DEEP ? { kind: 'too_deep' } : { kind: 'malformed', at: -2 - end }

/** Reads the members behind an opening brace into `members`. Returns the offset behind the closing one, or a negative value. */
function readMembers(bytes: Buffer, start: number, members: Member[], maxDepth: number): number {
  const open: number[] = []
  let at = skipSpace(bytes, start)
  while (bytes[at] !== CLOSE_OBJECT || members.length > 0) {
    const from = skipName(bytes, at)
    if (from < 0) return from
    const end = skipValue(bytes, from, open, maxDepth - 1)
    if (end < 0) return end
    members.push({ name: nameAt(bytes, at), start: from, end })
    at = skipSpace(bytes, end)
    if (bytes[at] === CLOSE_OBJECT) break
    if (bytes[at] !== COMMA) return malformed(at)
    at = skipSpace(bytes, at + 1)
  }
  return at + 1
}

/** The name whose opening quote is at `start`. The name must have been scanned before. */
function nameAt(bytes: Buffer, start: number): string {
  const literal = bytes.toString('utf8', start, skipString(bytes, start + 1))
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
}
