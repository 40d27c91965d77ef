// Postgres, Redis and a Sentinel that speak TLS with certificates of a CA of their own: what is trusted, and what is refused.
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EmbeddedPostgres } from '../../packages/embedded-postgres/src/index.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { Agent } from 'node:http'
import { expectFinding } from '../integration/doctor/cases.ts'
import { doctorProcess } from '../integration/doctor/process.ts'
import { authority, type Certificate } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { call, postOne } from '../support/load.ts'
import { ask } from '../support/postgres-files.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const HOST = 'localhost'

describe('servers with certificates of an own CA', function () {
  this.timeout(120_000)
  const stops: (() => Promise<unknown>)[] = []
  const own = authority('own')
  let folder: string
  let postgres: URL
  let redis: TestRedis
  let sentinel: TestRedis

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const filesOf = async (name: string, { cert, key }: Certificate) => ({
    cert: await file(`${name}.crt`, cert),
    key: await file(`${name}.key`, key),
    ca: await file('own.crt', own.cert),
  })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-tls-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))
    const right = await filesOf('right', own.issue(HOST))
    await file('strange.crt', authority('strange').cert)
    redis = await startRedis({ tls: right })
    const monitor = `sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\nsentinel monitor mymaster ${HOST} ${redis.port} 1\n`
    sentinel = await startRedis({ tls: right, sentinel: monitor })
    stops.push(...[redis, sentinel].map((server) => () => server.stop()))
    postgres = await startPostgres(own.issue(HOST))
  })
  after(async () => {
    for (const stop of stops.toReversed()) await stop()
  })

  /** A Postgres that has a certificate; it takes plain connections, too. */
  async function startPostgres({ cert, key }: Certificate): Promise<URL> {
    const server = new EmbeddedPostgres({ dataDir: join(folder, 'pg') })
    await server.start()
    stops.push(() => server.stop())
    const data = join(folder, 'pg/postgres/data')
    const { uid, gid } = await stat(data)
    for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
      await file(`pg/postgres/data/${name}`, text)
      await chown(join(data, name), uid, gid)
    }
    await ask(server.url, 'alter system set ssl = on')
    await ask(server.url, 'select pg_reload_conf()')
    await eventually(async () => expect(await ask(server.url, 'show ssl')).to.equal('on'))
    return new URL(server.url)
  }

  const database = (ca: string, host = HOST): string => {
    const url = new URL(postgres)
    url.hostname = host
    url.search = `?sslmode=verify-full&sslrootcert=${join(folder, ca)}`
    return url.href
  }
  const doctor = async (ca: string, databaseUrl: string, redisUrl: string): Promise<Finding[]> => {
    const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, NODE_EXTRA_CA_CERTS: join(folder, ca), PORT: '0' }
    return (await doctorProcess(folder, env)).found
  }

  it('are trusted by a node that knows the CA, which works with all of them', async () => {
    const env = { DATABASE_URL: database('own.crt'), NODE_EXTRA_CA_CERTS: join(folder, 'own.crt') }
    const urls = { a: `rediss://${HOST}:${redis.port}`, b: `rediss+sentinel://${HOST}:${sentinel.port}/mymaster` }
    await Fleet.during(
      async (fleet) => {
        const starting = Object.entries(urls).map(([name, url]) => fleet.start(name, { ...env, REDIS_URL: url }))
        for (const node of await Promise.all(starting)) {
          const ready = await call(new Agent(), 'GET', `${node.url}/readyz`)
          expect(JSON.parse(ready.body)).to.deep.include({ status: 'ready', postgres: 'up' })
          const { headers } = await postOne(new Agent(), node.url, 'ok')
          await fleet.service.until(() => fleet.service.of(headers.location ?? '').length > 0)
          expect(node.errors).to.deep.equal([])
        }
      },
      { databaseUrl: env.DATABASE_URL, redisUrl: null },
    )
  })

  it('are found well by the doctor that knows the CA', async () => {
    const found = await doctor('own.crt', database('own.crt'), `rediss+sentinel://${HOST}:${sentinel.port}/mymaster`)
    for (const check of ['postgres.connection', 'redis.connection'])
      expect(found.find((one) => one.check === check)?.state, JSON.stringify(found)).not.to.equal('fault')
    expectFinding(found, { check: 'redis.places', state: 'ok', what: /^1 of 1/ })
  })

  it('are refused with another CA or for another host, and the doctor says so', async () => {
    const mend = /a private CA belongs into the file of NODE_EXTRA_CA_CERTS, for Postgres into sslrootcert/
    for (const [ca, host, redisUrl, what] of [
      ['strange.crt', HOST, `rediss://${HOST}:${redis.port}`, /self-signed certificate in|unable to verify/],
      ['own.crt', '127.0.0.1', `rediss://127.0.0.1:${redis.port}`, /does not match certificate's altnames/],
      [
        'own.crt',
        HOST,
        `rediss+sentinel://127.0.0.1:${sentinel.port}/mymaster`,
        /does not match certificate's altnames/,
      ],
    ] as const) {
      const found = await doctor(ca, database(ca, host), redisUrl)
      expectFinding(found, { check: 'redis.connection', state: 'fault', what, mend })
      if (redisUrl.startsWith('rediss:'))
        expectFinding(found, { check: 'postgres.connection', state: 'fault', what, mend })
    }
  })
})
