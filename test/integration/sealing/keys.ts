// What the tests of encryption at rest share: keys, and a look at all that Postgres has.
import { createHash } from 'node:crypto'
import type { World } from '../../support/world.ts'

/** A key of its own for each letter. */
export const keyOf = (letter: string): string => createHash('sha256').update(letter).digest('base64')

export const idOf = (location: string): string => location.slice('/tasks/'.length)

/** All rows of all tables, as text. */
export async function allOf(world: World): Promise<string> {
  const tables = await world.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  let all = ''
  for (const { name } of tables)
    for (const { text } of await world.sql<{ text: string }>(`select t::text as text from ${name} t`)) all += text
  return all
}
