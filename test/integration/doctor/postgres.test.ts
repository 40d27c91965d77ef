// Faults of a real Postgres, each set up and found by the doctor with its mend.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect } from 'chai'
import pg from 'pg'
import type { Finding } from '../../../src/doctor/finding.ts'
import { LOAD_CHECKS, postgresFindings } from '../../../src/doctor/postgres.ts'
import { inspect } from '../../../src/store/inspection.ts'
import { createDatabase, createMigrated, type TestDatabase } from '../../support/databases.ts'
import { engines } from '../../support/engines.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { expectFinding, troubles } from './cases.ts'
import { CASES, type Sql } from './postgres-faults.ts'

const ask = async (url: string): Promise<Finding[]> => postgresFindings(await inspect(url, ['svc']))

async function on(
  database: TestDatabase,
  run: (sql: Sql, role: string) => Promise<void>,
  after?: string,
): Promise<void> {
  const role = `r_${database.name}`
  const client = new pg.Client(database.url)
  await client.connect()
  const sql: Sql = (text) => client.query(text.replaceAll('ROLE', role).replaceAll('DB', database.name))
  try {
    await sql(`create role ROLE login password 'secret'`)
    await run(sql, role)
  } finally {
    await client.end()
    await database.drop()
    const other = new pg.Client((await engines()).databaseUrl)
    await other.connect()
    if (after !== undefined) await other.query(after)
    await other.query(`drop role ${role}`)
    await other.end()
  }
}

describe('the doctor, of a Postgres that', function () {
  this.timeout(60_000)

  for (const [name, { spoil, mendIt, empty, stranger, ...expected }] of Object.entries(CASES))
    it(`${name}, says ${expected.check}`, async () => {
      const database = await (empty ? createDatabase() : createMigrated())
      await on(
        database,
        async (sql, role) => {
          await spoil(sql)
          const url = new URL(database.url)
          if (stranger) [url.username, url.password] = [role, 'secret']
          expectFinding(await ask(url.href), expected)
        },
        mendIt,
      )
    })

  it('is behind a pooler, says so', async () => {
    const { databaseUrl } = await engines()
    // A pooler names a process of its own in BackendKeyData.
    const pooler = createServer((near) => {
      const far = connect(Number(new URL(databaseUrl).port), '127.0.0.1')
      near.pipe(far).on('data', (chunk: Buffer) => {
        const at = chunk.indexOf(Buffer.from('4b0000000c', 'hex'))
        if (at >= 0) chunk.writeInt32BE(1, at + 5)
        near.write(chunk)
      })
    })
    await once(pooler.listen(0, '127.0.0.1'), 'listening')
    try {
      const finding = { check: 'postgres.pooler', state: 'ok' } as const
      const { port } = pooler.address() as AddressInfo
      expectFinding(await ask(databaseUrl.replace(/:\d+\//, `:${port}/`)), {
        ...finding,
        what: /a pooler is in between/,
      })
      expectFinding(await ask(databaseUrl), { ...finding, what: /^none/ })
    } finally {
      pooler.close()
    }
  })

  // The Postgres of the tests runs without fsync; a busy machine answers late.
  const unexpected = (found: readonly Finding[]): string[] =>
    troubles(found).filter((check) => !['postgres.durability', 'postgres.connection'].includes(check))

  it('is well, finds nothing but what the tests do to it', async () => {
    const database = await createMigrated()
    await on(database, async (sql) => {
      expect(unexpected(await ask(database.url))).to.deep.equal([])
      await eventually(async () => {
        const left = await sql(`select from pg_stat_activity where application_name = 'task_api_doctor'`)
        expect((left as pg.QueryResult).rowCount).to.equal(0)
      })
    })
  })

  it('is new, says that the first start creates the tables, and stays empty', async () => {
    const database = await createDatabase()
    await on(database, async (sql) => {
      const found = await ask(database.url)
      const what = /first start creates the tables/
      expectFinding(found, { check: 'postgres.migrations', state: 'ok', what })
      expect(unexpected(found)).to.deep.equal([])
      const made = await sql('select from pg_class where relnamespace = current_schema()::regnamespace')
      expect((made as pg.QueryResult).rowCount).to.equal(0)
    })
  })

  it('has an open transaction, names its session and its age', async () => {
    const database = await createMigrated()
    await on(database, async (sql) => {
      await sql('begin; select 1')
      const { load } = await inspect(database.url, [])
      if (!load || !('facts' in load)) throw new Error('no facts')
      expect(load.facts.oldest?.who).to.match(/^session \d+$/)
      expect(load.facts.oldest?.seconds).to.be.within(0, 60)
      const old = { ...load.facts, oldest: { who: load.facts.oldest?.who ?? '', seconds: 301 } }
      const verdict = [LOAD_CHECKS['transactions']?.judge(old)].flat()[0]
      expect(verdict).to.include({ state: 'warning' })
      expect(verdict?.what).to.match(/^session \d+ has had a transaction open for 301 s$/)
    })
  })

  it('keeps text in another encoding, says postgres.encoding', async () => {
    const { databaseUrl } = await engines()
    const client = new pg.Client(databaseUrl)
    await client.connect()
    try {
      await client.query(`create database latin encoding 'LATIN1' template template0 locale 'C'`)
      const found = await ask(databaseUrl.replace(/[^/]+$/, 'latin'))
      expectFinding(found, { check: 'postgres.encoding', state: 'fault', what: /LATIN1/, mend: /encoding UTF8/ })
    } finally {
      await client.query('drop database latin with (force)')
      await client.end()
    }
  })
})

describe('the doctor, of a DATABASE_URL', function () {
  this.timeout(60_000)

  const UNREACHABLE: Readonly<Record<string, readonly [change: (url: URL) => unknown, what: RegExp, mend: RegExp]>> = {
    'with a wrong password': [(url) => (url.password = 'wrong'), /password authentication failed/, /user and password/],
    'of a database that is not there': [(url) => (url.pathname = '/nowhere'), /does not exist/, /createdb/],
    'with TLS to a server without it': [
      (url) => (url.search = '?sslmode=verify-full'),
      /SSL/,
      /protocol of DATABASE_URL/,
    ],
    'of a host that is not there': [
      (url) => (url.hostname = 'nowhere.invalid'),
      /ENOTFOUND|EAI_AGAIN/,
      /Correct the host/,
    ],
  }
  for (const [name, [change, what, mend]] of Object.entries(UNREACHABLE))
    it(`${name}, says so`, async () => {
      const url = new URL((await engines()).databaseUrl)
      change(url)
      expectFinding(await ask(url.href), { check: 'postgres.connection', state: 'fault', what, mend })
    })

  it('where nothing listens, says so', async () => {
    const found = await ask(`postgres://u:p@127.0.0.1:${await freePort()}/d`)
    expectFinding(found, { check: 'postgres.connection', state: 'fault', what: /ECONNREFUSED/, mend: /Start Postgres/ })
  })

  it('of a server that is silent, says so', async () => {
    const proxy = new TcpProxy()
    const { databaseUrl } = await engines()
    await proxy.listen(Number(new URL(databaseUrl).port))
    proxy.silence()
    try {
      const found = await ask(databaseUrl.replace(/:\d+\//, `:${proxy.port}/`))
      expectFinding(found, { check: 'postgres.connection', state: 'fault', what: /timeout/, mend: /firewalls/ })
    } finally {
      await proxy.close()
    }
  })
})
