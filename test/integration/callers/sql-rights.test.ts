// What the role of DATABASE_URL needs for `task_api.submit`, as docs/sql.md says it.
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import pg from 'pg'
import { migrate } from '../../../src/store/migrate.ts'
import { createDatabase } from '../../support/databases.ts'
import { openWorld, post, ended } from '../../support/world.ts'

/** What the page has an operator say, either of them. */
const [GRANT = '', CREATE = ''] =
  /```sql\n(grant create[^;]*;).*?```sql\n(create schema[^;]*;)/s.exec(readFileSync('docs/sql.md', 'utf8'))?.slice(1) ??
  []

describe('the role of DATABASE_URL', () => {
  for (const [what, said, there] of [
    ['has no task_api.submit, and all else, where it may create no schema', '', false],
    ['has task_api.submit where it may create schemas', GRANT, true],
    ['has task_api.submit where somebody has made the schema for it', CREATE, true],
  ] as const)
    it(what, async () => {
      const world = await openWorld()
      const database = await createDatabase()
      const owner = new pg.Client(database.url)
      await owner.connect()
      try {
        await owner.query(`drop role if exists tasks; create role tasks login password 'tasks'`)
        await owner.query('grant create on schema public to tasks')
        if (said !== '') await owner.query(said.replace('database app', `database ${database.name}`))
        const url = new URL(database.url)
        url.username = 'tasks'
        url.password = 'tasks'
        await migrate(url.href)
        const { rows } = await owner.query(`select to_regproc('task_api.submit') is not null as there`)
        expect(rows).to.deep.equal([{ there }])
        const node = await world.node({ databaseUrl: url.href })
        expect(await ended(node.url, await post(node.url, 'echo', '1'))).to.include({ status: 'complete' })
      } finally {
        await world.close()
        await owner.query('drop owned by tasks cascade; drop role tasks')
        await owner.end()
        await database.drop()
      }
    })
})
