// Databases for tests: each of a name of its own, on the Postgres of the test run.
import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'
import { migrate } from '../../src/store/migrate.ts'
import { engines } from './engines.ts'

export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Removes it, whoever is still connected. */
  drop(): Promise<void>
}

/** Makes an empty database, or a copy of the one named `template`, to which nobody may be connected. */
export async function createDatabase({ template }: { template?: string } = {}): Promise<TestDatabase> {
  const { databaseUrl } = await engines()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  // To copy its files costs less than to log its pages.
  const from = template === undefined ? '' : ` template ${escapeIdentifier(template)} strategy file_copy`
  await runAlone(databaseUrl, `create database ${name}${from}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return { url: url.href, name, drop: () => runAlone(databaseUrl, `drop database if exists ${name} with (force)`) }
}

// What the files of one process share.
const run: { template?: Promise<string> } = {}

/** Makes a database that has all tables: a copy of one that is migrated once in a test run. */
export async function createMigrated(): Promise<TestDatabase> {
  run.template ??= makeTemplate()
  return createDatabase({ template: await run.template })
}

async function makeTemplate(): Promise<string> {
  const { url, name } = await createDatabase()
  await migrate(url)
  return name
}

async function runAlone(connectionString: string, statement: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
