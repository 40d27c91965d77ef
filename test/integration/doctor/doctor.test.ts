// The commands `doctor` and `config check` as a process: what they print, their exit codes, their time limit, and no secret.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createMigrated } from '../../support/databases.ts'
import { engines } from '../../support/engines.ts'
import { ScriptedService } from '../../support/service.ts'
import { commandLine, doctorProcess } from './process.ts'

const SECRET = 'hush-hush'

describe('the command', function () {
  this.timeout(60_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-doctor-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const write = (services: object): Promise<void> =>
    writeFile(join(folder, 'task_api.yaml'), JSON.stringify({ services }))

  it('doctor ends with 0 where nothing but warnings is found, one line a check', async () => {
    const [database, service] = [await createMigrated(), await new ScriptedService().start()]
    await write({ billing: { url: service.url } })
    const env = { DATABASE_URL: database.url, REDIS_URL: (await engines()).redisUrl, PORT: '0' }
    const { code, out, err } = await commandLine(folder, env, ['doctor'])
    const { found, code: again } = await doctorProcess(folder, env)
    await service.stop()
    await database.drop()
    expect([code, again, err], out).to.deep.equal([0, 0, ''])
    for (const line of out.trimEnd().split('\n')) expect(line).to.match(/^(ok {5}|warning) {2}[a-z]+\.[a-z]+: ./)
    for (const part of ['node', 'config', 'postgres', 'redis', 'services', 'machine'])
      expect(found.filter(({ check }) => check.startsWith(`${part}.`))).not.to.deep.equal([])
    expect(Object.keys(found[0] ?? {})).to.deep.equal(['check', 'state', 'what', 'mend'])
  })

  it('doctor ends with 1 and within 15 s where everybody is silent, and shows no secret', async () => {
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const { port } = silent.address() as AddressInfo
    const headers = { Authorization: '${TOKEN}' }
    await write({ billing: { url: `https://127.0.0.1:${port}/?key=${SECRET}`, headers } })
    const env = {
      DATABASE_URL: `postgres://u:${SECRET}@127.0.0.1:${port}/d`,
      REDIS_URL: `redis://:${SECRET}@127.0.0.1:${port}`,
      PORT: String(port),
      TOKEN: SECRET,
    }
    const begun = performance.now()
    const { code, out, err } = await commandLine(folder, env, ['doctor'])
    const took = performance.now() - begun
    silent.close()
    expect(took).to.be.below(15_000)
    expect([code, err]).to.deep.equal([1, ''])
    for (const check of ['postgres.connection', 'redis.connection', 'services.address', 'machine.port'])
      expect(out).to.match(new RegExp(`^fault {4}${check}: .*\\. [A-Z].*\\.$`, 'm'))
    expect(out).not.to.include(SECRET)
  })

  it('config check says what a file holds, without its secrets', async () => {
    const headers = { Authorization: '${TOKEN}' }
    await write({ a: { url: `http://a/{action}?key=${SECRET}`, headers }, b: { url: 'http://b' } })
    const file = join(folder, 'task_api.yaml')
    const env = { TOKEN: SECRET }
    const told = await commandLine(tmpdir(), env, ['config', 'check', file])
    expect(told).to.deep.equal({
      code: 0,
      out: `${file} is valid: 2 services\na  http://a/{action}\nb  http://b\n`,
      err: '',
    })
    const { code, out } = await commandLine(folder, env, ['config', 'check', 'task_api.yaml', '--json'])
    const services = [
      { name: 'a', url: 'http://a/{action}', headers: ['Authorization'] },
      { name: 'b', url: 'http://b', headers: [] },
    ]
    expect([code, JSON.parse(out)]).to.deep.equal([0, { file, services, faults: [] }])
  })

  it('config check prints every fault as start does, and ends with 78', async () => {
    await write({ a: { url: 'nowhere', concurency: 3 } })
    const env = { SLOTS: 'many', SLOT: '3' }
    const started = await commandLine(folder, env, ['start'])
    const { code, out, err } = await commandLine(folder, env, ['config', 'check', 'task_api.yaml'])
    expect([code, out]).to.deep.equal([78, ''])
    expect(err).to.equal(started.err)
    expect(err).to.match(/SLOTS[\s\S]*services\.a\.url[\s\S]*concurency/)
    const json = await commandLine(folder, {}, ['config', 'check', 'none.yaml', '--json'])
    expect(json.code).to.equal(78)
    expect(JSON.parse(json.out)).to.deep.include({ services: [] })
    expect(JSON.parse(json.out).faults[0]).to.include({ path: 'TASK_API_CONFIG', expected: 'a file that can be read' })
  })

  it('config warns of a name that is nearly a setting, and knows no other verb', async () => {
    await write({ a: { url: 'http://a' } })
    const warned = await commandLine(folder, { SLOT: '3' }, ['config', 'check', 'task_api.yaml'])
    expect(warned).to.include({ code: 0, err: 'SLOT is not read: did you mean SLOTS?\n' })
    const { code, err } = await commandLine(folder, {}, ['config', 'chek', 'x'])
    expect([code, err]).to.deep.equal([
      2,
      'task_api: there is no config chek: use config check FILE\nSee task_api --help.\n',
    ])
  })
})
