// The columns that a routine returns: one list prints their SQL and their types in Postgres, and is the type of a row.

/** The types of Postgres that are returned, and what pg makes of them. */
interface Values {
  readonly bigint: string
  readonly uuid: string
  readonly text: string
  readonly json: string
  readonly smallint: number
  readonly integer: number
  readonly 'double precision': number
  readonly boolean: boolean
}

/** By name: the type, the SQL of the value, and whether it may be null. */
export type Columns = Readonly<Record<string, readonly [type: keyof Values, sql: string, nullable?: 'or null']>>

/** A row of these columns. */
export type RowOf<List extends Columns> = {
  readonly [Name in keyof List]: Values[List[Name][0]] | (List[Name][2] extends 'or null' ? null : never)
}

/** The columns as `returns table (…)` names them. */
export const typesOf = (columns: Columns): string =>
  Object.entries(columns)
    .map(([name, [type]]) => `"${name}" ${type}`)
    .join(', ')

/** The values with the names of their columns, for a statement that is no routine. */
export const namedValuesOf = (columns: Columns): string =>
  Object.entries(columns)
    .map(([name, [, sql]]) => `${sql} as "${name}"`)
    .join(', ')

/** The columns as `select` and `returning` name them. */
export const valuesOf = (columns: Columns): string =>
  Object.values(columns)
    .map(([, sql]) => sql)
    .join(', ')
