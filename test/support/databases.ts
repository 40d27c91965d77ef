// Databases for tests: each of a name of its own, on the Postgres of the test run.
import { randomUUID } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'
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
  const from = template === undefined ? '' : ` template ${escapeIdentifier(template)}`
  await runAlone(databaseUrl, `create database ${name}${from}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return { url: url.href, name, drop: () => runAlone(databaseUrl, `drop database if exists ${name} with (force)`) }
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
