// The sealed columns: under which name each is sealed, and how rows are opened.
import type { Query } from './database.ts'
import { isSealedFailure, MARK, type Seals, withoutBody } from './seal.ts'

/** The name under which a column of a task is sealed, as SQL and here. `key`: the UUID of the task. */
export const sealName = (key: string, column: string): string => `${key}.${column}`
const nameIn = (row: string, column: string): string => `${row}.key || '.${column}'`

/** The name under which the body of a try is sealed. */
export const bodyName = (key: string, { step, attempt }: { readonly step: number; readonly attempt: number }): string =>
  sealName(key, `body.${step}.${attempt}`)

/** The name under which the payload of a schedule is sealed. */
export const scheduleName = (name: string): string => `schedule.${name}`

/** Whether a stored text is not the value itself. */
export const isMarked = (text: string): boolean => text.startsWith(MARK)

/** The mark, as SQL. */
export const SQL_MARK = `E'${JSON.stringify(MARK).slice(1, -1)}'`

/** The names under which the payload of a row (SQL) may be sealed, and those of its state: its own, and that of a copy. */
const payloadNames = (row: string): string => `${nameIn(row, 'payload')}, ${row}.payload_of`
const stateNames = (row: string): string => `${nameIn(row, 'state')}, ${row}.state_of`

/** SQL: that one of these names under which a value is sealed, for the row that gets a copy; null where it is not sealed. */
const nameOf = (value: string, names: string): string =>
  `case when left((${value})::text, ${MARK.length}) = ${SQL_MARK} then (select named.name from unnest(array[${names}]) named (name)
      where (${value})::text like '%' || ${SQL_MARK} || '"________ ' || named.name || ' %' limit 1) end`

/** SQL: the name under which the payload of a row is sealed. */
export const payloadOf = (row: string): string => nameOf(`${row}.payload`, payloadNames(row))

/** SQL: the name under which a value is sealed that may come from state or payload of a row. */
export const carriedOf = (row: string, value: string): string =>
  nameOf(value, `${stateNames(row)}, ${payloadNames(row)}`)

/** What a row says of its seals. */
interface Keyed {
  readonly key: string
  /** The name of the seal of a payload that SQL has copied from elsewhere; null: it is the row's own. */
  readonly payloadOf: string | null
}

/** The columns of a task that may be sealed. */
interface Task extends Keyed {
  readonly payload: string
  readonly stateOf?: string | null
  readonly state?: string | null
  readonly result?: string | null
  readonly error?: string | null
}

/** A member that cannot be decrypted is null, a failure has no body, and the member is named here. */
export interface Opened {
  readonly cannotDecrypt?: readonly string[]
}

/** Opens a task that was read. */
export function openTask<Row extends Task>(seals: Seals, row: Row): Row & Opened {
  const { key, payload, payloadOf, state, stateOf, result, error } = row
  const marked = [payload, state, result].some((text) => typeof text === 'string' && isMarked(text))
  if (!marked && !isSealedFailure(error ?? '')) return row
  const cannotDecrypt: string[] = []
  const opened = (member: string, text: string | null | undefined, of: string | null = null): string | null => {
    if (text === null || text === undefined) return null
    const value = seals.open(text, [sealName(key, member), of])
    if (value === undefined) cannotDecrypt.push(member)
    return value ?? 'null'
  }
  const failure = (text: string): string => {
    const value = seals.openFailure(text, [sealName(key, 'error')])
    if (value === undefined) cannotDecrypt.push('error')
    return value ?? withoutBody(text)
  }
  const open = {
    ...row,
    payload: opened('payload', payload, payloadOf),
    ...(state !== undefined && { state: opened('state', state, stateOf) }),
    ...(result !== undefined && { result: opened('result', result) }),
    ...(error !== undefined && error !== null && { error: failure(error) }),
  }
  return cannotDecrypt.length === 0 ? open : { ...open, cannotDecrypt }
}

/** What a claim brings of a task. */
interface Claimed {
  readonly key: string
  readonly body: string
  readonly inState: boolean
  /** The name of the seal of a body that SQL has copied from elsewhere; null: it is the row's own. */
  readonly bodyOf: string | null
}

/** Why a body does not open: `lacks` is the id of its key where that is not there. */
export interface Unopened {
  readonly lacks: string | undefined
}

/** Opens the bodies of claimed rows. A row whose body cannot be opened says so, and has none. */
export const openClaimed = <Row extends Claimed>(
  seals: Seals,
  rows: readonly Row[],
): (Row & { readonly cannotDecrypt?: Unopened })[] =>
  rows.map((row) => {
    const { key, body, inState, bodyOf } = row
    if (!isMarked(body)) return row
    const opened = seals.open(body, [sealName(key, inState ? 'state' : 'payload'), bodyOf])
    return opened === undefined
      ? { ...row, body: 'null', cannotDecrypt: { lacks: seals.lacks(body) } }
      : { ...row, body: opened }
  })

/** What a report writes that may be sealed. */
interface Report {
  readonly key?: string | undefined
  readonly state?: string | null
  readonly result?: string | null
  readonly error?: string | null
  readonly tried?: { readonly step: number; readonly attempt: number; readonly body: string | null } | undefined
}

/** Where a report is written, and what seals it. */
export interface Sealing {
  readonly query: Query
  readonly seals: Seals
}

/** A report as it is stored. */
export function closeReport<Entry extends Report>(seals: Seals, entry: Entry): Entry {
  const { key, state, result, error, tried } = entry
  const texts = [state, result, error, tried?.body].filter((text) => typeof text === 'string')
  if (!(seals.on ? texts.length > 0 : texts.some(isMarked))) return entry
  if (key === undefined) throw new Error('a report without the key of its task')
  const closed = <Text extends string | null>(text: Text, name: string): Text | string =>
    text === null ? text : seals.close(text, name)
  return {
    ...entry,
    ...(state !== undefined && { state: closed(state, sealName(key, 'state')) }),
    ...(result !== undefined && { result: closed(result, sealName(key, 'result')) }),
    ...(typeof error === 'string' && { error: seals.closeFailure(error, sealName(key, 'error')) }),
    ...(tried && { tried: { ...tried, body: closed(tried.body, bodyName(key, tried)) } }),
  }
}
