import { expect } from 'chai'
import { LOG_LEVELS, SETTINGS } from '../../../src/config/settings.ts'
import { levels } from './levels.ts'
import { faultsOf, read } from './reading.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')

describe('the settings of the environment', () => {
  it('have the defaults of the contract', () => {
    const { services, keys, retention: _, ...rest } = read({})
    expect([services.size, keys.size]).to.deep.equal([0, 0])
    expect(rest).to.deep.equal({
      host: '127.0.0.1',
      port: 3000,
      redisPrefix: 'task_api:',
      dataDir: '/w/.task_api',
      slots: 1000,
      drainTimeout: 10_000,
      idempotencyWindow: 86_400_000,
      stopDelay: 0,
      logLevel: 'info',
    })
  })

  it('are read from the variables', () => {
    const env = {
      PORT: '0',
      HOST: '::1',
      DATABASE_URL: 'postgresql://u:p%40@db:5432/tasks?sslmode=require',
      REDIS_URL: 'rediss://cache:6380/1',
      REDIS_PREFIX: 'team-7:',
      DATA_DIR: 'data/here',
      SLOTS: '1',
      DRAIN_TIMEOUT: '2m',
      STOP_DELAY: '5s',
      LOG_LEVEL: 'silent',
      ENCRYPTION_KEYS: `${KEY}, ${OTHER_KEY}`,
    }
    const { services: _, keys: _keys, retention: _retention, ...rest } = read({}, env)
    expect(rest).to.deep.equal({
      host: '::1',
      port: 0,
      databaseUrl: env.DATABASE_URL,
      redisUrl: env.REDIS_URL,
      redisPrefix: 'team-7:',
      dataDir: '/w/data/here',
      slots: 1,
      drainTimeout: 120_000,
      idempotencyWindow: 86_400_000,
      stopDelay: 5_000,
      logLevel: 'silent',
      encryptionKeys: [KEY, OTHER_KEY],
    })
  })

  it('count as not set when empty', () => {
    const env = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, '']))
    expect(read({}, env)).to.deep.equal(read({}))
  })

  it('know the levels that the log has', () => expect([...LOG_LEVELS].sort()).to.deep.equal([...levels()].sort()))

  for (const [name, text] of [
    ['PORT', '65535'],
    ['HOST', 'my-host.example.com'],
    ['HOST', '0.0.0.0'],
    ['HOST', 'localhost'],
    ['DATABASE_URL', 'postgres:///tasks?host=/var/run/postgresql'],
    ['REDIS_URL', 'redis://:secret@cache'],
    ['SLOTS', '100000'],
    ['DRAIN_TIMEOUT', '0'],
    ['LOG_LEVEL', 'trace'],
  ] as const) {
    it(`accept ${name}=${text}`, () => expect(faultsOf({}, { [name]: text })).to.deep.equal([]))
  }

  for (const [name, text] of [
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '0x50'],
    ['PORT', ' 80'],
    ['PORT', '080'],
    ['PORT', 'http'],
    ['HOST', '[::1]'],
    ['HOST', 'localhost:3000'],
    ['HOST', 'http://localhost'],
    ['HOST', '256.0.0.1'],
    ['HOST', 'a..b'],
    ['REDIS_PREFIX', 'a b'],
    ['REDIS_PREFIX', '{a}'],
    ['REDIS_PREFIX', 'ü'],
    ['DATA_DIR', 'a\0b'],
    ['SLOTS', '0'],
    ['SLOTS', '100001'],
    ['SLOTS', '1.5'],
    ['DRAIN_TIMEOUT', '10'],
    ['DRAIN_TIMEOUT', '2h'],
    ['LOG_LEVEL', 'INFO'],
    ['LOG_LEVEL', 'verbose'],
  ] as const) {
    it(`refuse ${name}=${JSON.stringify(text)}`, () => {
      const { expected } = SETTINGS[name].rule
      expect(faultsOf({}, { [name]: text })).to.deep.equal([
        { source: 'environment', path: name, expected, found: JSON.stringify(text) },
      ])
    })
  }

  for (const [name, text, found] of [
    ['DATABASE_URL', 'mysql://u:secret@db/x', 'mysql://(hidden)'],
    ['DATABASE_URL', 'db.internal:5432', '(hidden)'],
    ['DATABASE_URL', 'postgres://u:sec/ret@db/x', 'postgres://(hidden)'],
    ['DATABASE_URL', 'postgres://db/x y', 'postgres://(hidden)'],
    ['REDIS_URL', 'http://cache', 'http://(hidden)'],
    ['REDIS_URL', 'secret', '(hidden)'],
    ['ENCRYPTION_KEYS', 'secret', '(hidden)'],
    ['ENCRYPTION_KEYS', KEY.slice(0, -4), '(hidden)'],
    ['ENCRYPTION_KEYS', KEY.replace('=', ''), '(hidden)'],
    ['ENCRYPTION_KEYS', `${KEY},`, '(hidden)'],
    ['ENCRYPTION_KEYS', `${KEY} ${OTHER_KEY}`, '(hidden)'],
    ['ENCRYPTION_KEYS', `${KEY},${OTHER_KEY},${KEY}`, '(hidden)'],
    ['ENCRYPTION_KEYS', Buffer.alloc(33).toString('base64'), '(hidden)'],
  ] as const) {
    it(`refuse ${name}=${text} and show no password`, () => {
      expect(faultsOf({}, { [name]: text }).map((fault) => [fault.path, fault.found])).to.deep.equal([[name, found]])
    })
  }
})
