// A PgBouncer between two nodes and Postgres: five connections for both, and it is killed under load.
import { createMigrated } from '../support/databases.ts'
import { PgBouncer, bouncerProgram } from '../support/pgbouncer.ts'
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
})
