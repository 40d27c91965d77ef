// A database that cannot be used yet: one sentence says what to do, the node waits, and goes on once it is done.
import { expect } from 'chai'
import pg from 'pg'
import { migrate } from '../../src/store/migrate.ts'
import { makeLog } from '../../src/telemetry/log.ts'
import { createDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import type { Line } from '../support/node.ts'
import { type Cases, together } from '../support/together.ts'
import { openWorld, type World } from '../support/world.ts'

type Sql = (text: string) => Promise<unknown>

interface Case {
  readonly spoil: (sql: Sql, url: string) => Promise<unknown>
  readonly why: string
  readonly mend: (sql: Sql) => Promise<unknown>
  /** Whether the node comes as a role that has no rights. */
  readonly stranger?: true
}

const NO_RIGHTS = (what: string): string =>
  `The role of DATABASE_URL lacks rights (permission denied for ${what}): let it own the database, or grant it usage and create on the schema, and all on its tables and sequences.`

/** Each on a database of its own. `ROLE` stands for a role of its own. */
const CASES: Readonly<Record<string, Case>> = {
  "has other people's table `tasks`": {
    spoil: (sql) => sql('create table tasks (id bigint, title text)'),
    why: 'The database has a table "tasks" that task_api did not make: name an empty database in DATABASE_URL, or a schema of its own for the role (alter role … set search_path).',
    mend: (sql) => sql('drop table tasks'),
  },
  "has other people's tables `tasks` and `nodes`": {
    spoil: (sql) => sql('create table nodes (id bigint); create view tasks as select 1 as id'),
    why: 'The database has a table "nodes" and a table "tasks" that task_api did not make: name an empty database in DATABASE_URL, or a schema of its own for the role (alter role … set search_path).',
    mend: (sql) => sql('drop view tasks; drop table nodes'),
  },
  'lets its role make nothing': {
    stranger: true,
    spoil: (sql) => sql('revoke create on schema public from public'),
    why: NO_RIGHTS('schema public'),
    mend: (sql) => sql('grant create on schema public to ROLE'),
  },
  'has its tables, and its role may not read them': {
    stranger: true,
    spoil: (_, url) => migrate(url),
    why: NO_RIGHTS('schema public'),
    mend: (sql) =>
      sql('grant all on all tables in schema public to ROLE; grant all on all sequences in schema public to ROLE'),
  },
  'lets its role read only what has been migrated': {
    stranger: true,
    spoil: async (sql, url) => {
      await migrate(url)
      await sql('grant all on task_api_migrations, task_api_migrations_lock to ROLE')
      await sql('grant all on all sequences in schema public to ROLE')
    },
    why: NO_RIGHTS('table tasks'),
    mend: (sql) => sql('grant all on all tables in schema public to ROLE'),
  },
  'has no schema for its role': {
    stranger: true,
    spoil: (sql) => sql('alter role ROLE set search_path = nowhere'),
    why: 'The role of DATABASE_URL has no schema to work in (no schema has been selected to create in): create the one that its search_path names, or grant it usage and create on it.',
    mend: (sql) => sql('create schema nowhere authorization ROLE'),
  },
  'was migrated by a newer release': {
    spoil: async (sql, url) => {
      await migrate(url)
      await sql(`insert into task_api_migrations (name, batch, migration_time) values ('999_later', 9, now())`)
    },
    why: 'The database was migrated by a newer release of task_api: install that release, or restore a backup of before it.',
    mend: (sql) => sql(`delete from task_api_migrations where name = '999_later'`),
  },
}

async function waits(world: World, { spoil, why, mend, stranger }: Case): Promise<void> {
  const database = await createDatabase()
  const role = `r_${database.name}`
  const client = new pg.Client(database.url)
  await client.connect()
  const sql: Sql = (text) => client.query(text.replaceAll('ROLE', role))
  await sql(`create role ROLE login password 'secret'`)
  await spoil(sql, database.url)
  const url = new URL(database.url)
  if (stranger) [url.username, url.password] = [role, 'secret']
  const lines: Line[] = []
  const log = makeLog('info', { node: role }, (line) => lines.push(JSON.parse(line) as Line))
  const logged = (event: string): Promise<Line> =>
    eventually(() => {
      const line = lines.find((one) => one.event === event)
      if (!line) throw new Error(`no ${event} in ${JSON.stringify(lines)}`)
      return line
    })
  const starts = new AbortController()
  const starting = world.node({ databaseUrl: url.href, redis: false, log, signal: starts.signal })
  starting.catch(() => undefined)
  try {
    const line = await logged('postgres_awaited')
    expect(line).to.include({ level: 50, why })
    expect(Object.keys(line)).not.to.include('err')
    const listening = await logged('listening')
    const get = async (path: string): Promise<number> => (await fetch(`${String(listening['url'])}${path}`)).status
    expect([await get('/livez'), await get('/readyz')]).to.deep.equal([200, 503])
    await mend(sql)
    await logged('postgres_answers')
    await (await starting).stop()
    expect(lines.filter(({ level }) => level > 50)).to.deep.equal([])
  } finally {
    starts.abort()
    await starting.catch(() => undefined)
    await client.end()
    await database.drop()
    const other = new pg.Client(new URL('/postgres', database.url).href)
    await other.connect()
    await other.query(`drop role ${role}`)
    await other.end()
  }
}

describe('a node whose database', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const cases = Object.entries(CASES).map(([what, one]) => [
    `${what} says so in one sentence, waits, and goes on`,
    () => waits(world, one),
  ])
  together(Object.fromEntries(cases) as Cases, 90_000)
})
