// The table of settings in the environment, and their reader. `docs/configuration.md` is printed from this table.
import { type Misspelt, misspelt } from '../core/suggest.ts'
import { databaseUrl } from './database-url.ts'
import { type ConfigFault, HIDDEN, quoted } from './faults.ts'
import type { ReadFile } from './file.ts'
import { redisUrl } from './redis-url.ts'
import { encryptionKeys } from './encryption-keys.ts'
import { duration, filePath, hostName, keyPrefix, oneOf, type Rule, wholeNumber } from './rules.ts'
import { secretOf } from './secret-files.ts'

/** One setting. An empty variable counts as one that is not set. */
export interface Setting<T> {
  readonly rule: Rule<T>
  /** The value when the variable is not set, as text; absent: there is none. */
  readonly fallback?: string
  readonly meaning: string
  /** The value may hold a password: it is never shown. `${file:/path}` stands for the content of that file. */
  readonly secret?: true
}

/** The levels of the log, from the most to the least talkative. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const HOUR_MS = 3_600_000

/** One row a variable. */
export const SETTINGS = {
  PORT: {
    rule: wholeNumber(0, 65_535),
    fallback: '3000',
    meaning: 'The port of the API; `0` picks a free one.',
  },
  HOST: {
    rule: hostName,
    fallback: '127.0.0.1',
    meaning: 'The address of the API. Without `keys` in the services file any address but loopback prints a warning.',
  },
  AUTH: {
    rule: oneOf(['required']),
    meaning:
      '`required`: the node starts only with `keys` in the services file. Not set: without `keys` everybody may do everything.',
  },
  DATABASE_URL: {
    rule: databaseUrl,
    meaning:
      'Postgres 14 or newer. With several hosts the one that takes writes is used. Not set: an embedded Postgres, with its data under `DATA_DIR`.',
    secret: true,
  },
  REDIS_URL: {
    rule: redisUrl,
    meaning:
      'Redis 6.2 or newer, or Valkey: one server, one behind Sentinels, or a Cluster. Not set: a queue in this process, at most 100,000 ids, nothing stored; several nodes then need up to 2 s to start a task and 3 s to cancel one.',
    secret: true,
  },
  REDIS_PREFIX: { rule: keyPrefix, fallback: 'task_api:', meaning: 'Every key in Redis starts with it.' },
  DATA_DIR: {
    rule: filePath,
    fallback: '.task_api',
    meaning: 'The data of the embedded Postgres; relative to the working directory.',
  },
  SLOTS: { rule: wholeNumber(1, 100_000), fallback: '1000', meaning: 'Tasks in hand on one node.' },
  DRAIN_TIMEOUT: {
    rule: duration(0, HOUR_MS),
    fallback: '10s',
    meaning: 'How long a stop waits for the answers to requests in flight.',
  },
  STOP_DELAY: {
    rule: duration(0, HOUR_MS),
    fallback: '0s',
    meaning:
      'How long a stop goes on answering at the least, with `/readyz` 503, so that a load balancer sends nothing more before the port closes.',
  },
  IDEMPOTENCY_WINDOW: {
    rule: duration(24 * HOUR_MS, 366 * 24 * HOUR_MS),
    fallback: '24h',
    meaning: 'How long a POST with the same `Idempotency-Key` is answered as the first.',
  },
  ENCRYPTION_KEYS: {
    rule: encryptionKeys,
    meaning:
      'Payloads, states, results and bodies are AES-256-GCM in Postgres. The first key encrypts, all of them decrypt. Not set: they are stored as they are.',
    secret: true,
  },
  LOG_LEVEL: { rule: oneOf(LOG_LEVELS), fallback: 'info', meaning: 'What is logged, from this level up.' },
  TASK_API_CONFIG: {
    rule: filePath,
    meaning:
      'The services file; relative to the working directory. Not set: `task_api.yaml` or `task_api.json` there, and without either the demo service.',
  },
} as const satisfies Record<string, Setting<unknown>>

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables whose names are nearly the name of a setting. They are not read. */
export const misspeltSettings = (env: Environment): Misspelt[] => misspelt(env, Object.keys(SETTINGS))

type Parsed<S> = S extends { rule: Rule<infer T> } ? (S extends { fallback: string } ? T : T | undefined) : never
export type Settings = { readonly [Name in keyof typeof SETTINGS]: Parsed<(typeof SETTINGS)[Name]> }

/** Reads every setting. A faulty setting adds a fault to `faults` and gets its default. */
export function readSettings(env: Environment, readSecret: ReadFile, faults: ConfigFault[]): Settings {
  const values = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { rule, fallback, secret }]) => {
    const absent = fallback === undefined ? undefined : rule.parse(fallback)
    const given = env[name]
    if (given === undefined || given === '') return [name, absent]
    const file = secret === true ? /^\$\{(file:[^{}]*)\}$/.exec(given)?.[1] : undefined
    const text = (file === undefined ? undefined : secretOf(file, readSecret)) ?? given
    if (typeof text !== 'string') {
      faults.push({ source: 'environment', path: name, found: quoted(given), ...text })
      return [name, absent]
    }
    const value = rule.parse(text)
    if (value !== undefined) return [name, value]
    const found = secret === true ? withoutSecret(text) : quoted(text)
    faults.push({ source: 'environment', path: name, expected: rule.wanted?.(text) ?? rule.expected, found })
    return [name, absent]
  })
  return Object.fromEntries(values) as Settings
}

const withoutSecret = (text: string): string => (/^[a-z][a-z0-9+.-]{0,20}:\/\//i.exec(text)?.[0] ?? '') + HIDDEN
