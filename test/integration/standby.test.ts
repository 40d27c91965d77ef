// A primary with a synchronous standby: which of them a node uses, and what it believes of them.
import { expect } from 'chai'
import { inspect } from '../../src/store/inspection.ts'
import { postgresFindings } from '../../src/doctor/postgres.ts'
import { Database } from '../../src/store/database.ts'
import { Servers } from '../../src/store/servers.ts'
import { Store } from '../../src/store/store.ts'
import { freePort } from '../support/free-port.ts'
import { PostgresPair } from '../support/postgres-pair.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { silentLog } from '../../src/telemetry/log.ts'

const PLAIN = { service: 'svc', action: 'ok', payload: '{}' }

describe('a primary with a synchronous standby', function () {
  this.timeout(120_000)
  let pair: PostgresPair
  let store: Store
  /** The hosts at these ports. */
  const urlOf = (...ports: number[]): string =>
    pair.a.url.replace(`127.0.0.1:${pair.a.port}/`, `${ports.map((port) => `127.0.0.1:${port}`).join(',')}/`)
  const portUsed = async (url: string): Promise<number> => Number(new URL(await new Servers(url).find()).port)

  before(async () => {
    pair = await PostgresPair.open({ synchronous: true })
    store = new Store({ url: urlOf(pair.b.port, pair.a.port), log: silentLog() })
    await store.start()
  })
  after(async () => {
    await store.stop()
    await pair.close()
  })

  it('is used, wherever it stands in the URL, and whatever the others do', async () => {
    const silent = new TcpProxy()
    await silent.listen(pair.a.port)
    silent.silence()
    const closed = await freePort()
    for (const ports of [
      [pair.a.port, pair.b.port],
      [pair.b.port, pair.a.port],
      [closed, silent.port, pair.b.port, pair.a.port],
    ])
      expect(await portUsed(urlOf(...ports))).to.equal(pair.a.port)
    const begun = performance.now()
    const error: unknown = await portUsed(urlOf(closed, silent.port, pair.b.port)).catch((thrown: unknown) => thrown)
    expect(performance.now() - begun, 'ms for all of them').to.be.below(3_000)
    await silent.close()
    expect(error).to.be.an.instanceOf(Error).and.include({ code: '25006' })
    const { message } = error as Error
    expect(message).to.match(/ECONNREFUSED.*; .*timeout.*; .*the server takes no writes/)
    expect(message).not.to.include(new URL(pair.a.url).password)
  })

  it('is named by the doctor, and so are the others', async () => {
    const closed = await freePort()
    const judge = async (...ports: number[]) => {
      const findings = postgresFindings(await inspect(urlOf(...ports), []))
      return findings.find(({ check }) => check === 'postgres.servers')
    }
    const [a, b] = [`127.0.0.1:${pair.a.port}`, `127.0.0.1:${pair.b.port}`]
    expect(await judge(pair.b.port, pair.a.port)).to.include({
      state: 'ok',
      what: `${b} is a standby, ${a} is the primary`,
    })
    expect(await judge(pair.a.port, closed)).to.have.property('state', 'warning')
    expect(await judge(pair.b.port, closed)).to.have.property('state', 'fault')
    expect(await judge(pair.a.port)).to.equal(undefined)
  })

  it('is asked again for what a standby says is not there', async () => {
    const { id } = await store.insert(PLAIN)
    const standby = new Database(new Servers(pair.b.url), 1)
    const ask = async (of: string) => standby.query(`select * from ${await readOf()}('{${of}}')`)
    const readOf = async (): Promise<string> =>
      String(await pair.a.ask(`select proname from pg_proc where proname like 'task\\_api\\_read\\_%'`))
    expect(await ask(id)).to.have.length(1)
    expect(await ask('999999').catch((error: unknown) => error)).to.include({ trouble: 'notSent' })
    await standby.close()
    expect(await store.get('999999')).to.equal(undefined)
  })

  it('acknowledges nothing that only the primary has, and says of nothing that it is not there', async () => {
    const { id } = await store.insert(PLAIN)
    pair.cut()
    const [inserted, created, read] = await Promise.allSettled([
      store.insert(PLAIN),
      store.create({ tasks: [PLAIN], key: undefined, caller: null, services: new Map() }),
      store.get('999999'),
    ])
    expect(inserted).to.have.nested.property('reason.code', 'outcome_unknown')
    expect(created).to.have.nested.property('reason.code', 'outcome_unknown')
    expect(read).to.have.nested.property('reason.code', 'unavailable')
    expect(await store.get(id)).to.include({ id })
    // They are committed there, and seen by whoever asks.
    expect(Number(await pair.a.ask('select count(*) from tasks'))).to.be.above(2)
  })
})
