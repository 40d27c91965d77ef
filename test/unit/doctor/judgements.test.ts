// What the doctor makes of what cannot be set up for real: an old server, a wrong clock, a full disk.
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { CHECKS, limited } from '../../../src/doctor/doctor.ts'
import type { Checks, Verdict } from '../../../src/doctor/finding.ts'
import { MACHINE_CHECKS, type MachineFacts } from '../../../src/doctor/machine.ts'
import { mendOf } from '../../../src/doctor/mends.ts'
import { NODE_CHECKS, OLDEST_NODE } from '../../../src/doctor/node.ts'
import { LOOK_CHECKS, postgresFindings, SERVER_CHECKS } from '../../../src/doctor/postgres.ts'
import { REDIS_CHECKS } from '../../../src/doctor/redis.ts'
import { SERVERS_CHECKS } from '../../../src/doctor/servers.ts'
import { SERVICE_CHECKS } from '../../../src/doctor/services.ts'
import type { ServerFacts } from '../../../src/store/inspection.ts'
import type { ServerSeen } from '../../../src/store/seen.ts'

const judge = <Facts>(checks: Checks<Facts>, name: string, facts: unknown): Verdict =>
  [checks[name]?.judge(facts as Facts) ?? []].flat()[0] ?? { state: 'ok', what: 'nothing' }

const WELL: ServerFacts = {
  version: 160_004,
  release: '16.4',
  encoding: 'UTF8',
  standby: false,
  readOnly: false,
  isolation: 'read committed',
  fsync: 'on',
  commits: 'on',
  autovacuum: 'on',
  statementTimeout: 0,
  room: 97,
  took: 1,
  ahead: 0,
  pooled: false,
}

const SERVER: readonly (readonly [name: string, facts: Partial<ServerFacts>, state: string, what: RegExp])[] = [
  ['version', { version: 130_012, release: '13.12' }, 'fault', /13\.12 is too old/],
  ['version', { version: 140_000, release: '14.0' }, 'ok', /14\.0/],
  ['writes', { standby: true }, 'fault', /standby/],
  ['clock', { ahead: 5_001 }, 'warning', /5\.0 s ahead/],
  ['clock', { ahead: -61_000 }, 'warning', /61\.0 s behind/],
  ['clock', { ahead: 4_999 }, 'ok', /5\.0 s ahead/],
  ['durability', { fsync: 'off' }, 'warning', /fsync/],
  ['durability', { commits: 'off' }, 'warning', /synchronous_commit/],
  ['durability', { commits: 'remote_apply' }, 'ok', /durable/],
  ['timeout', { statementTimeout: 3_999 }, 'warning', /3999 ms/],
  ['timeout', { statementTimeout: 4_000 }, 'ok', /time/],
  ['autovacuum', { autovacuum: 'off' }, 'warning', /off/],
  ['connection', { took: 101 }, 'warning', /101\.0 ms/],
  ['pooler', { pooled: true }, 'ok', /32 connections/],
]

const A: ServerSeen = { host: 'a:1', is: 'primary', started: 'monday' }
const SERVERS: readonly (readonly [servers: readonly ServerSeen[], state: string, what: RegExp])[] = [
  [[A, { host: 'b:2', is: 'standby', started: 'sunday' }], 'ok', /^a:1 is the primary, b:2 is a standby$/],
  [[A, { ...A, host: 'b:2' }], 'ok', /^a:1 is the primary, b:2 is the primary$/],
  [[A, { ...A, host: 'b:2', started: 'sunday' }], 'fault', /^several servers take writes/],
  [[{ ...A, is: 'read-only' }], 'fault', /^no server takes writes: a:1 is read-only$/],
  [[A, { host: 'b:2', is: 'unreachable', error: new Error('no') }], 'warning', /b:2 is unreachable \(no\)$/],
]

const MACHINE: MachineFacts = {
  address: '127.0.0.1:3000',
  files: { limit: 20_000, needed: 4_224 },
  slots: 1_000,
  memory: 2 ** 32,
}

describe('the doctor judges', () => {
  for (const [name, facts, state, what] of SERVER)
    it(`Postgres with ${JSON.stringify(facts)} as ${state}`, () => {
      const verdict = judge(SERVER_CHECKS, name, { ...WELL, ...facts })
      expect(verdict.state).to.equal(state)
      expect(verdict.what).to.match(what)
    })

  for (const [servers, state, what] of SERVERS)
    it(`hosts that are ${servers.map(({ is, started }) => `${is} since ${started}`).join(' and ')} as ${state}`, () => {
      const verdict = judge(SERVERS_CHECKS, 'servers', servers)
      expect(verdict.state).to.equal(state)
      expect(verdict.what).to.match(what)
    })

  it('a disk of Postgres that is full, and a pooler of statements, by the error', () => {
    const full = Object.assign(new Error('could not write to file: No space left on device'), { code: '53100' })
    const found = postgresFindings({ server: { facts: WELL }, room: { error: full } })
    expect(found.at(-1)).to.deep.equal({
      check: 'postgres.disk',
      state: 'fault',
      what: 'could not write to file: No space left on device (53100)',
      mend: 'Make room on the disk of Postgres.',
    })
    const said = 'transaction blocks not allowed in statement pooling mode (08P01)'
    expect(mendOf(said, { server: 'Postgres', setting: 'DATABASE_URL' })).to.match(/pool_mode = transaction/)
  })

  it('a look at due tasks by its pages', () => {
    expect(judge(LOOK_CHECKS, 'index', { pages: 1_030, looks: 3 }).state).to.equal('ok')
    expect(judge(LOOK_CHECKS, 'index', { pages: 1_031, looks: 3 }).state).to.equal('warning')
    expect(judge(LOOK_CHECKS, 'index', { pages: 5_000, looks: 900 }).state).to.equal('ok')
  })

  it('a Redis by its version, its mode and its policy', () => {
    const state = (name: string, info: object): string =>
      judge(REDIS_CHECKS, name, { info, took: 1, refused: [] }).state
    expect(state('version', { redis_version: '6.0.16' })).to.equal('fault')
    expect(state('version', { redis_version: '6.2.0' })).to.equal('ok')
    expect(state('version', { redis_version: '7.2.4', valkey_version: '8.0.1' })).to.equal('ok')
    expect(state('role', { role: 'master', cluster_enabled: '1' })).to.equal('fault')
    expect(state('eviction', { maxmemory_policy: 'volatile-lru' })).to.equal('ok')
    expect(state('connection', {})).to.equal('ok')
    expect(judge(REDIS_CHECKS, 'connection', { took: 21 }).state).to.equal('warning')
  })

  it('a certificate by its days', () => {
    const state = (days: number): string => judge(SERVICE_CHECKS, 'address', [{ name: 'a', at: 'a:443', days }]).state
    expect([state(13.9), state(14)]).to.deep.equal(['warning', 'ok'])
  })

  it('Node, memory and disk by their least', () => {
    const node = (version: string): string => judge(NODE_CHECKS, 'version', { version }).state
    expect(['20.18.3', '20.19.0', '22.0.0'].map(node)).to.deep.equal(['fault', 'ok', 'ok'])
    expect(readFileSync('package.json', 'utf8')).to.include(`"node": ">=${OLDEST_NODE}"`)
    const machine = (name: string, facts: Partial<MachineFacts>) =>
      judge(MACHINE_CHECKS, name, { ...MACHINE, ...facts })
    expect(machine('memory', { memory: 300 * 2 ** 20 })).to.include({ state: 'warning' })
    expect(machine('memory', { memory: 320 * 2 ** 20 })).to.include({ state: 'ok' })
    expect(machine('folder', { folder: { path: '/d', free: 2 ** 30 - 1 } })).to.include({ state: 'warning' })
    expect(machine('files', { files: { limit: undefined, needed: 1 } })).to.include({ state: 'ok' })
  })

  it('a part that does not end, or fails, as a fault of that part', async () => {
    const late = await limited('redis', new Promise(() => {}), 5)
    const failed = await limited('redis', Promise.reject(new TypeError('a bug')), 5_000)
    expect([...late, ...failed].map(({ check, state, what }) => [check, state, what])).to.deep.equal([
      ['redis', 'fault', 'no end within 0.005 s'],
      ['redis', 'fault', 'a bug'],
    ])
    expect(await limited('redis', Promise.resolve([]), 5_000)).to.deep.equal([])
  })

  it('by rows that each say in one sentence what to do', () => {
    for (const rows of Object.values(CHECKS))
      for (const { asks, mend } of Object.values(rows)) {
        expect(mend).to.match(/^[A-Z].*\.$/)
        expect(asks).to.match(/^[a-z].*[^.]$/)
      }
  })
})
