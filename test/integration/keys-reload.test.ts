// Keys in the services file of a running node: replaced without a gap, taken away, and never all of them where AUTH is required.
import { expect } from 'chai'
import { readConfig } from '../../src/config/read.ts'
import { hashOf } from '../../src/core/key.ts'
import { type RunningNode, startNode } from '../../src/main.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { as } from '../support/keys.ts'
import { ServicesFile } from '../support/services-file.ts'
import { FAST, openWorld, type World } from '../support/world.ts'
import { ask } from './callers/asks.ts'

type Tokens = Readonly<Record<string, readonly string[]>>

describe('keys that are read again', () => {
  let world: World
  let file: ServicesFile
  let node: RunningNode

  const textOf = (tokens?: Tokens): string => {
    const keys = Object.entries(tokens ?? {}).map(([name, list]) => {
      const hash = list.map((token) => `sha256:${hashOf(`tk_${token}`)}`)
      return [name, { hash, scopes: ['read', 'submit', 'cancel', 'operate'] }]
    })
    const services = { svc: { url: world.service.url } }
    return JSON.stringify(tokens === undefined ? { services } : { services, keys: Object.fromEntries(keys) as object })
  }
  const reload = async (text: string): Promise<number> => {
    await file.write(text)
    return (await ask('POST', `${node.url}/services/reload`, undefined, as('ops'))).status
  }
  const statusOf = async (token: string): Promise<number> =>
    (await ask('GET', `${node.url}/tasks`, undefined, as(token))).status

  before(async () => {
    world = await openWorld()
    file = await ServicesFile.create({})
    await file.write(textOf({ ops: ['ops'], app: ['old'] }))
    const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, prefix: REDIS_PREFIX } = world
    const env = { TASK_API_CONFIG: file.path, DATABASE_URL, REDIS_URL, REDIS_PREFIX, PORT: '0', AUTH: 'required' }
    const options = { log: silentLog(), version: '0.0.0', tell: () => {}, signal: new AbortController().signal }
    node = await startNode(readConfig({ env, cwd: '/' }), { ...options, env, timings: FAST })
  })
  after(async () => {
    await node.stop()
    await world.close()
    await file[Symbol.asyncDispose]()
  })

  it('count by the file of now, while a token is replaced and when a key is gone', async () => {
    expect([await statusOf('old'), await statusOf('new')]).to.deep.equal([200, 401])
    expect(await reload(textOf({ ops: ['ops'], app: ['old', 'new'] }))).to.equal(200)
    expect([await statusOf('old'), await statusOf('new')]).to.deep.equal([200, 200])
    expect(await reload(textOf({ ops: ['ops'], app: ['new'] }))).to.equal(200)
    expect([await statusOf('old'), await statusOf('new')]).to.deep.equal([401, 200])
    expect(await reload(textOf({ ops: ['ops'] }))).to.equal(200)
    expect([await statusOf('new'), await statusOf('ops')]).to.deep.equal([401, 200])
  })

  it('stay as they are where a file has none, or one with a fault', async () => {
    for (const text of [textOf(), textOf({}), textOf({ ops: [] })]) {
      expect(await reload(text), text).to.equal(422)
      expect([await statusOf('ops'), await statusOf('nobody')]).to.deep.equal([200, 401])
    }
    expect(await reload(textOf({ ops: ['ops'] }))).to.equal(200)
  })

  it('end the stream of a key that was taken away, and not of one that stays', async () => {
    await reload(textOf({ ops: ['ops'], app: ['new'], stays: ['stays'] }))
    const body = { service: 'svc', action: 'ok', delay: '1h' }
    const { location } = await ask('POST', `${node.url}/tasks`, body, as('ops'))
    const [gone, stays] = await Promise.all(
      ['new', 'stays'].map((token) => fetch(`${node.url}${location}/events`, { headers: as(token) })),
    )
    await reload(textOf({ ops: ['ops'], stays: ['stays'] }))
    await ask('PATCH', `${node.url}${location}`, { priority: 'high' }, as('ops'))
    expect((await gone?.text())?.match(/^event: /gm)).to.have.length(1)
    await ask('DELETE', `${node.url}${location}`, undefined, as('ops'))
    expect(await stays?.text()).to.match(/"priority":"high"[^]*event: deleted/)
  })
})
