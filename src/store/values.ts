// What pg makes of the values of an answer: text as Postgres wrote it, or a number that is one.
import pg from 'pg'

/** json and timestamptz: pg would parse json and round microseconds. */
const AS_TEXT = [114, 1184]
/** int2, int4, float4 and float8: pg would make NaN of a damaged number, and each comparison with it is false. */
const NUMBERS = [21, 23, 700, 701]
const UUID = 2950
const FORM_OF_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function numberOf(text: string): number {
  const number = text === '' ? NaN : Number(text)
  // No column holds a number that is infinite, or none.
  if (!Number.isFinite(number)) throw new Error('Postgres sent a number that is none')
  return number
}

function uuidOf(text: string): string {
  if (!FORM_OF_UUID.test(text)) throw new Error('Postgres sent a UUID that is none')
  return text
}

const PARSERS: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  ...AS_TEXT.map((oid) => [oid, (text: string) => text] as const),
  ...NUMBERS.map((oid) => [oid, numberOf] as const),
  [UUID, uuidOf],
])

/** The parsers of a connection, by the type's OID. Where one throws, the statement fails with an unknown outcome. */
export const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => PARSERS.get(oid) ?? pg.types.getTypeParser(oid, format),
}
