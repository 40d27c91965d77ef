// A PgBouncer between two nodes and Postgres: five connections for both, and it is killed under load.
import { expect } from 'chai'
import { migrate } from '../../src/store/migrate.ts'
import { createDatabase, createMigrated } from '../support/databases.ts'
import { PgBouncer, bouncerProgram } from '../support/pgbouncer.ts'
import { ask } from '../support/postgres-files.ts'
import { type Doors, through } from './postgres.ts'

const found = bouncerProgram()
const RESTARTS = 3

interface Pooled extends Doors {
  readonly bouncer: PgBouncer
}

async function openPooled(): Promise<Pooled> {
  const database = await createMigrated()
  const bouncer = await PgBouncer.open(database.url, found?.program ?? '')
  const close = async (): Promise<void> => {
    await bouncer.close()
    await database.drop()
  }
  return { bouncer, urls: [bouncer.url, bouncer.url], truth: database.url, close }
}

describe('behind a PgBouncer of five connections', () => {
  const name = `two nodes lose nothing while it is killed ${RESTARTS} times`
  if (found === undefined) it.skip(`${name}: there is no pgbouncer here (apt-get install pgbouncer, or PGBOUNCER=path)`)
  else
    it(`${name} (${found.version})`, async () => {
      await through(openPooled, async ({ bouncer }) => {
        for (let i = 0; i < RESTARTS; i += 1) {
          await bouncer.kill()
          await bouncer.start()
        }
      })
    }).timeout(90_000)

  // The role of the tests is called task_api, and so is the schema of `task_api.submit`: in a session of its own that schema is the first.
  const tables = `select string_agg(distinct schemaname, ' ') from pg_tables where tablename in ('tasks', 'nodes', 'task_api_migrations')`
  for (const [what, make] of Object.entries({ 'a new database': createDatabase, 'a restored one': createMigrated })) {
    const title = `all tables are in one schema when nodes migrate ${what}, each statement in another session`
    if (found === undefined) it.skip(title)
    else
      it(title, async () => {
        const database = await make()
        const bouncer = await PgBouncer.open(database.url, found.program)
        try {
          await Promise.all(Array.from({ length: 5 }, () => ask(bouncer.url, 'select pg_sleep(0.3)')))
          await Promise.all([migrate(bouncer.url), migrate(bouncer.url)])
          expect(await ask(database.url, tables)).to.equal('public')
          expect(await ask(database.url, `select count(*)::integer from public.task_api_migrations`)).to.be.above(0)
        } finally {
          await bouncer.close()
          await database.drop()
        }
      })
  }
})
