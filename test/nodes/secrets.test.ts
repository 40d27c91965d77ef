// Secrets are never shown: whatever a node says, and whatever goes wrong, no secret of its configuration is in it.
import { expect } from 'chai'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROUTES } from '../../src/api/routes.ts'
import { runCli } from '../../src/cli/cli.ts'
import { ConfigError, describeFaults } from '../../src/config/faults.ts'
import { readConfig } from '../../src/config/read.ts'
import { engines } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { freePort } from '../support/free-port.ts'
import { NodeProcess } from '../support/node.ts'
import { environmentOf, type Plant, plantSecrets, serviceWith, shownIn, withPassword } from '../support/planted.ts'
import { ended, post } from '../support/world.ts'

/** Dies of an error that nobody catches, at a signal. */
const DIES = `data:text/javascript,${encodeURIComponent("process.on('SIGUSR2', () => { throw new Error('planted') })")}`
const AWAITED = 'postgres cannot be reached; trying on'

describe('a secret of the configuration', () => {
  let folder: string
  let plants: Plant[]
  let env: Record<string, string>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-secrets-'))
    plants = plantSecrets(folder)
    env = { LOG_LEVEL: 'trace', ...environmentOf(plants) }
  })
  after(() => rm(folder, { recursive: true }))

  const isNotIn = (...texts: string[]): void => {
    expect(shownIn(plants, texts.join('\n'))).to.deep.equal([])
  }
  const saidBy = (node: NodeProcess): string => JSON.stringify(node.lines) + node.stderr

  /** What the process says of a configuration, which must have a fault. */
  const faultsOf = (variables: Record<string, string>): string => {
    try {
      readConfig({ env: variables, cwd: folder })
    } catch (error) {
      if (error instanceof ConfigError) return describeFaults(error)
      throw error
    }
    throw new Error('there is no fault')
  }

  /** Everything that a command says. */
  const command = async (url: string, ...words: string[]): Promise<string> => {
    const said: string[] = []
    const stream = { write: (text: string) => said.push(text) }
    await runCli(words, { version: '0.0.0', stdout: stream, stderr: stream, env: { ...env, TASK_API_URL: url } })
    return said.join('')
  }

  /** A node with all secrets in use, on servers that ask for passwords. */
  const withNode = (run: (node: NodeProcess, fleet: Fleet) => Promise<void>): Promise<void> =>
    Fleet.during(async (fleet) => {
      const { databaseUrl, redisUrl } = await engines()
      const [row] = await fleet.sql<{ name: string }>('select current_database() as name')
      const name = row?.name ?? ''
      const role = `planted_${name}`
      await fleet.sql(`create role ${role} superuser login password '${env['PASSWORD_OF_POSTGRES']}'`)
      const database = new URL(withPassword(databaseUrl, role, env['PASSWORD_OF_POSTGRES'] ?? ''))
      database.pathname = `/${name}`
      await writeFile(join(folder, 'database'), database.href)
      const dead = `http://127.0.0.1:${await freePort()}/`
      const retry = { attempts: 2, backoff: '1ms', maxBackoff: '1ms' }
      const services = {
        svc: { ...serviceWith(plants, fleet.service.url), attemptLog: 'all' },
        dead: { ...serviceWith(plants, dead), retry },
      }
      const node = await NodeProcess.start(
        {
          ...env,
          NODE_OPTIONS: `--import=${DIES}`,
          DATABASE_URL: `\${file:${join(folder, 'database')}}`,
          // A Redis whose user needs no password takes any.
          REDIS_URL: withPassword(redisUrl, 'default', env['PASSWORD_OF_REDIS'] ?? ''),
        },
        services,
      )
      try {
        await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200))
        await run(node, fleet)
      } finally {
        await node.dispose()
        await fleet.sql(`drop owned by ${role}`)
        await fleet.sql(`drop role ${role}`)
      }
    })

  it('comes to its service, and is in no answer, no log, no command and no report of a crash', () =>
    withNode(async (node, fleet) => {
      const tasks = await Promise.all(['steps.1', 'fail', 'drop'].map((action) => post(node.url, action)))
      const gone = await post(node.url, 'x', '{}', 'dead')
      for (const task of [tasks[0] ?? '', tasks[1] ?? '', gone]) await ended(node.url, task)
      const { headers, url } = fleet.service.requests[0]?.request ?? {}
      const sent = plants.filter(({ marks: [one = ''] }) => (JSON.stringify(headers) + url).includes(one))
      expect(sent.map(({ what }) => what)).to.have.members(
        plants.filter((plant) => plant.headers ?? plant.query).map(({ what }) => what),
      )
      expect(String(headers?.['webhook-signature']).split(' ')).to.have.length(2)

      const said: string[] = []
      for (const { method, path } of ROUTES)
        for (const id of method === 'GET' ? ['1', '2', '3', '4', '99'] : ['none']) {
          if (path.endsWith('/events') && id === '3') continue
          const at = path.replace(':id', id).replace(':name', id === '1' ? 'svc' : 'none')
          const response = await fetch(node.url + at, { method, redirect: 'manual' })
          said.push(JSON.stringify([...response.headers]), await response.text())
        }
      for (const words of [
        'services',
        'list',
        'show 1',
        'explain 2',
        'attempts 4',
        'reload',
        'help',
        '--version',
        'nonsense',
      ])
        for (const more of ['', ' --json']) said.push(await command(node.url, ...`${words}${more}`.split(' ')))
      expect(said.join('')).to.include('service_error').and.include('"svc"')

      node.kill('SIGUSR2')
      expect(await node.exited).to.equal(1)
      expect(node.errors.map(({ event }) => event)).to.include('node_crashed')
      isNotIn(...said, saidBy(node))
    }))

  it('is in no fault of a configuration, whatever is wrong with it', async () => {
    const header = plants[0]?.marks[0]
    const signing = plants.find((plant) => plant.signing !== undefined)?.signing
    const password = env['PASSWORD_OF_POSTGRES']
    const service = (text: string): string => `services:\n  a:\n    url: http://a/\n    ${text}\n`
    const files = {
      'a reserved header': service(`headers: { webhook-id: ${header} }`),
      'a header with a control character': service(`headers: { X-Y: "${header}\\n" }`),
      'a header that is a list': service(`headers: { X-Y: [${header}] }`),
      'headers that are text': service(`headers: ${header}`),
      'a secret without its prefix': service(`signing: { secrets: [${signing?.slice(6)}] }`),
      'signing that is a secret': service(`signing: ${signing}`),
      'signing with another member': service(`signing: { secret: ${signing} }`),
      'a secret where there is none': service(`signing: { secrets: ["\${file:${folder}/no-url}"] }`),
      'a URL with a password': `services: { a: { url: "http://u:${header}@a/" } }`,
      'a URL with a key and a fragment': `services: { a: { url: "http://a/?k=${header}#" } }`,
      'a URL from a variable': 'services: { a: { url: "${PLANTED}" } }',
      'a duration from a variable': service('timeout: "${PLANTED}"'),
      'an action from a variable': service('onCancel: "/${PLANTED}"'),
      'a service from a variable': service('callback: { service: "${PLANTED}", action: x }'),
      'a rate from a variable': service('limit: { rate: "${PLANTED}" }'),
      'a mapping from a variable': service('retry: "${PLANTED}"'),
      'a member that is not known': service(`header: { X-Y: ${header} }`),
      'a secret twice': service(`headers: { X-Y: ${header}, X-Y: ${header} }`),
      'broken quotes': service(`headers: { X-Y: "${header} }`),
      'a broken mapping': service(`headers: { X-Y: ${header}`),
      'an unknown alias': service(`headers: { X-Y: *${header} }`),
      'a tag': service(`headers: { X-Y: !${header} x }`),
    }
    const settings: Record<string, Record<string, string>> = {
      'Postgres, another scheme': { DATABASE_URL: `http://u:${password}@db/tasks` },
      'Postgres, a slash in the password': { DATABASE_URL: `postgres://u:/${password}@db/tasks` },
      'Postgres, a question mark in the password': { DATABASE_URL: `postgres://u:?${password}@db/tasks` },
      'Postgres, an ampersand in the password': { DATABASE_URL: `postgres://u:?a=b&${password}=@db/tasks` },
      'Postgres, no URL': { DATABASE_URL: `${password}` },
      'Redis, a hash in the password': { REDIS_URL: `redis://:#${password}@cache` },
      'Redis, an unknown parameter': { REDIS_URL: `redis+sentinel://u:${password}@a/m?sentinelPasswd=${password}` },
      'Redis, a slash in the password of a Cluster': { REDIS_URL: `redis+cluster://u:/${password}@a,b` },
      'Redis, another scheme': { REDIS_URL: `${password}://cache` },
      'Redis, a file that holds no URL': { REDIS_URL: `\${file:${folder}/no-url}` },
    }
    const cases = [
      ...Object.entries(files).map(([what, text]) => [what, text, {}] as const),
      ...Object.entries(settings).map(([what, more]) => [what, undefined, more] as const),
    ]
    const config = join(folder, 'task_api.yaml')
    await writeFile(join(folder, 'no-url'), `${header}`)
    for (const [what, text, more] of cases) {
      await writeFile(config, text ?? service('gate: false'))
      expect(shownIn(plants, faultsOf({ ...env, ...more, TASK_API_CONFIG: config })), what).to.deep.equal([])
    }
    // A whole process says the same, and no more.
    await writeFile(config, Object.values(files)[0] ?? '')
    const more = Object.values(settings)[0]
    const node = await NodeProcess.spawn({ ...env, ...more, TASK_API_CONFIG: config })
    try {
      expect(await node.exited).to.equal(78)
      expect([node.lines, node.stderr]).to.deep.equal([[], faultsOf({ ...env, ...more, TASK_API_CONFIG: config })])
    } finally {
      await node.dispose()
    }
  })

  it('is not in the log of a node whose servers cannot be reached, or refuse the password', async () => {
    const { databaseUrl } = await engines()
    const nowhere = `127.0.0.1:${await freePort()}`
    const [postgres = '', redis = ''] = [env['PASSWORD_OF_POSTGRES'], env['PASSWORD_OF_REDIS']]
    for (const url of [`postgres://u:${postgres}@${nowhere}/x`, withPassword(databaseUrl, 'nobody', postgres)]) {
      const node = await NodeProcess.spawn(
        { ...env, DATABASE_URL: url, REDIS_URL: `redis://u:${redis}@${nowhere}` },
        { svc: serviceWith(plants, 'http://a/') },
      )
      try {
        await node.logged(AWAITED)
        await node.logged('listening')
        await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(503))
        const said = await (await fetch(`${node.url}/services`)).text()
        node.kill('SIGTERM')
        expect(await node.exited).to.equal(0)
        isNotIn(said, saidBy(node))
      } finally {
        await node.dispose()
      }
    }
  })
})
