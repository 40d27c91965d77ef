// Faults of services, of the machine and of the configuration, each set up and found by the doctor with its mend.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createWeb } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createServer as createSecure } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { examine } from '../../../src/doctor/doctor.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { freePort } from '../../support/free-port.ts'
import { openWorld } from '../../support/world.ts'
import { expectFinding } from './cases.ts'
import { EXPIRED, KEY, VALID } from './certificates.ts'
import { doctorProcess } from './process.ts'

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** Servers of the test, which are closed after it. */
const open = new Set<Server>()

async function listening<S extends Server>(server: S): Promise<S> {
  open.add(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

describe('the doctor', function () {
  this.timeout(60_000)
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-doctor-'))
  })
  afterEach(async () => {
    for (const server of open) server.close()
    open.clear()
    await rm(folder, { recursive: true, force: true })
  })

  const write = (services: Readonly<Record<string, object>>): Promise<void> =>
    writeFile(join(folder, 'task_api.yaml'), JSON.stringify({ services }))
  const ask = (env: Readonly<Record<string, string>>): Promise<Finding[]> => examine({ PORT: '0', ...env }, folder)

  it('names each service that cannot be found or reached, with its mend', async () => {
    const silent = await listening(createServer())
    const port = portOf(silent)
    await write({
      well: { url: `http://127.0.0.1:${port}/a` },
      gone: { url: `http://127.0.0.1:${await freePort()}/` },
      nowhere: { url: 'http://nowhere.invalid/{action}' },
      silent: { url: `https://127.0.0.1:${port}/` },
    })
    const found = await ask({})
    const address = { check: 'services.address', state: 'fault' } as const
    expectFinding(found, { ...address, state: 'ok', what: /^well: .* takes connections/ })
    expectFinding(found, { ...address, what: /^gone: .*ECONNREFUSED/, mend: /Start the service gone/ })
    expectFinding(found, {
      ...address,
      what: /^nowhere: nowhere.invalid: .*(ENOTFOUND|EAI_AGAIN)/,
      mend: /Correct the host/,
    })
    expectFinding(found, { ...address, what: /^silent: .*no answer within 5 s/, mend: /firewalls/ })
  })

  it('names each service whose certificate is not valid, with its mend', async () => {
    const secure = (cert: string) => listening(createSecure({ key: KEY, cert }).on('tlsClientError', () => {}))
    const [valid, expired, plain] = [await secure(VALID), await secure(EXPIRED), await listening(createWeb())]
    await write({
      well: { url: `https://localhost:${portOf(valid)}/` },
      expired: { url: `https://localhost:${portOf(expired)}/` },
      named: { url: `https://127.0.0.1:${portOf(valid)}/` },
      plain: { url: `https://127.0.0.1:${portOf(plain)}/` },
    })
    await writeFile(join(folder, 'ca.pem'), VALID + EXPIRED)
    const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), PORT: '0' }
    const { found, code } = await doctorProcess(folder, env)
    const address = { check: 'services.address', state: 'fault', mend: /certificate/ } as const
    expectFinding(found, { check: 'services.address', state: 'ok', what: /^well: .* is valid for \d+ days/ })
    expectFinding(found, { ...address, what: /^expired: .*CERT_HAS_EXPIRED/ })
    expectFinding(found, { ...address, what: /^named: .*ALTNAME/i })
    expectFinding(found, { ...address, what: /^plain: .*(SSL|EPROTO)/ })
    expect(code).to.equal(1)
    const strangers = await ask({})
    expectFinding(strangers, { ...address, what: /^well: .*self.signed/i })
  })

  it('says who has the port of the API', async () => {
    const other = await listening(createServer((socket) => socket.end('220 mail\r\n')))
    const port = { check: 'machine.port' } as const
    const mend = /Set HOST and PORT/
    expectFinding(await ask({ PORT: String(portOf(other)) }), { ...port, state: 'fault', what: /EADDRINUSE/, mend })
    expectFinding(await ask({ HOST: '203.0.113.1' }), { ...port, state: 'fault', what: /EADDRNOTAVAIL/, mend })
    expectFinding(await ask({}), { ...port, state: 'ok', what: /free/ })
    const world = await openWorld()
    try {
      const well = await world.node()
      expectFinding(await ask({ PORT: new URL(well.url).port }), {
        ...port,
        state: 'ok',
        what: /a task_api .* is ready/,
      })
      const limping = await world.node({ redisUrl: `redis://127.0.0.1:${await freePort()}` })
      const found = await ask({ PORT: new URL(limping.url).port })
      expectFinding(found, { ...port, state: 'warning', what: /a task_api .* is degraded/, mend: /its log/ })
    } finally {
      await world.close()
    }
  })

  it('says that too few files may be open', async () => {
    const { found, code } = await doctorProcess(folder, { PORT: '0' }, 'ulimit -n 200; exec "$@"')
    const files = { check: 'machine.files', state: 'warning', what: /^200 files may be open, and up to \d+/ } as const
    expectFinding(found, { ...files, mend: /ulimit -n/ })
    expect(code).to.equal(0)
  })

  it('says that the embedded Postgres cannot have its folder', async () => {
    await writeFile(join(folder, 'file'), '')
    const found = await ask({ DATA_DIR: 'file/data' })
    expectFinding(found, { check: 'machine.folder', state: 'fault', what: /ENOTDIR/, mend: /DATA_DIR/ })
  })

  it('names each fault of the configuration, and asks no server then', async () => {
    await write({ billing: { url: 'nowhere', timeout: '3 parsecs' } })
    const found = await ask({ SLOTS: '0', DATABASE_URI: 'postgres://u:hush@h/d' })
    const values = { check: 'config.values', state: 'fault' } as const
    expectFinding(found, { ...values, what: /^environment SLOTS is "0"$/, mend: /^Make it a whole number/ })
    expectFinding(found, { ...values, what: /task_api.yaml:1 services.billing.url is "nowhere"$/ })
    expectFinding(found, { ...values, what: /services.billing.timeout/, mend: /a duration/ })
    expectFinding(found, { check: 'config.names', state: 'warning', what: /DATABASE_URI .* DATABASE_URL/ })
    expect(found.filter(({ check }) => !/^(node|config)\./.test(check))).to.deep.equal([])
  })

  it('warns of an API for all, of nodes without Redis, and of certificates that cannot be read', async () => {
    const missing = join(folder, 'none.pem')
    const url = `postgres://u:hush@127.0.0.1:${await freePort()}/d`
    const found = await ask({ HOST: '0.0.0.0', DATABASE_URL: url, NODE_EXTRA_CA_CERTS: missing })
    expectFinding(found, { check: 'config.exposure', state: 'warning', what: /0\.0\.0\.0/, mend: /only those/ })
    expectFinding(found, { check: 'config.queue', state: 'warning', what: /REDIS_URL/, mend: /Set REDIS_URL/ })
    expectFinding(found, { check: 'node.certificates', state: 'fault', what: /none.pem/, mend: /NODE_EXTRA_CA_CERTS/ })
  })
})
