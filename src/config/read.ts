// From environment and services file to one frozen Config, or to every fault at once.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { Retention, Service } from '../core/service.ts'
import { nearest } from '../core/suggest.ts'
import { faultsAcross } from './across.ts'
import type { Config } from './config.ts'
import { ConfigError, type ConfigFault, foundText, pathText, quoted } from './faults.ts'
import { type ReadFile, readServicesFile, type ServicesFile } from './file.ts'
import { frozen, frozenMap } from './frozen.ts'
import { fileSchema, serviceSchema } from './schema.ts'
import { type Environment, readSettings } from './settings.ts'
import { type FaultAt, withVariables } from './variables.ts'

/** What a configuration is read from. */
interface Sources {
  readonly env: Environment
  /** Absolute path of the working directory. */
  readonly cwd: string
  readonly readFile?: ReadFile
}

/** Reads the configuration (docs/contract.md, section 3). Throws a `ConfigError` with every fault. */
export function readConfig({ env, cwd, readFile = readFileSync }: Sources): Config {
  const faults: ConfigFault[] = []
  const settings = readSettings(env, faults)
  const file = readServicesFile(cwd, settings.TASK_API_CONFIG, readFile, faults)
  const { services, retention } = file === undefined ? NO_FILE : readSaid(file, env, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return frozen({
    host: settings.HOST,
    port: settings.PORT,
    ...(settings.DATABASE_URL === undefined ? {} : { databaseUrl: settings.DATABASE_URL }),
    ...(settings.REDIS_URL === undefined ? {} : { redisUrl: settings.REDIS_URL }),
    redisPrefix: settings.REDIS_PREFIX,
    dataDir: resolve(cwd, settings.DATA_DIR),
    slots: settings.SLOTS,
    drainTimeout: settings.DRAIN_TIMEOUT,
    stopDelay: settings.STOP_DELAY,
    idempotencyWindow: settings.IDEMPOTENCY_WINDOW,
    logLevel: settings.LOG_LEVEL,
    ...(file === undefined ? {} : { file: file.path }),
    services: frozenMap(services.map((service) => [service.name, service])),
    retention,
  })
}

/** What a services file says. */
interface Said {
  readonly services: readonly Service[]
  readonly retention: Retention
}

const NO_FILE: Said = { services: [], retention: {} }

function readSaid(file: ServicesFile, env: Environment, faults: ConfigFault[]): Said {
  const missing: FaultAt[] = []
  const data = withVariables(file.data, env, missing)
  const { success, data: parsed, error } = fileSchema.safeParse(data)
  const named = new Set(missing.map(({ path }) => pathText(path)))
  // A value whose variable is missing breaks other rules too; that says nothing new.
  const broken = [...(error?.issues ?? []).flatMap(faultsOfIssue), ...faultsAcross(data)].filter(
    ({ path }) => !named.has(pathText(path)),
  )
  faults.push(...inOrder([...missing, ...broken].map((fault) => inFile(file, fault))))
  if (!success || faults.length > 0) return NO_FILE
  const { services, retention = {} } = parsed
  return { services: Object.entries(services).map(([name, service]) => ({ name, ...service })), retention }
}

function faultsOfIssue(issue: z.core.$ZodIssue): FaultAt[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, expected: issue.message }]
  const known = Object.keys(shapeAt(issue.path))
  return issue.keys.map((key) => {
    const meant = nearest(key, known)
    const found = quoted(key) + (meant === undefined ? '' : `: did you mean ${meant}?`)
    return { path: [...issue.path, key], expected: `one of ${known.join(', ')}`, found }
  })
}

/** The names that the file may have at a path: at its top, in a service, or in a mapping of either. */
function shapeAt(path: readonly PropertyKey[]): object {
  if (path.length === 0) return fileSchema.shape
  if (path.length === 2) return serviceSchema.shape
  const { retry, callback, retention } = serviceSchema.shape
  const inner = { retry, callback, retention }[String(path.at(-1))] ?? retention
  return inner.unwrap().shape
}

function inFile(file: ServicesFile, { path, expected, found }: FaultAt): ConfigFault {
  const line = file.lineOf(path)
  const shown = found ?? foundText(path, valueAt(file.data, path))
  return { source: file.path, ...(line === undefined ? {} : { line }), path: pathText(path), expected, found: shown }
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Object.getOwnPropertyDescriptor(value, part)?.value
  }
  return value
}

/** In the order of the file, each fault once. */
function inOrder(faults: readonly ConfigFault[]): ConfigFault[] {
  const distinct = new Map(faults.map((fault) => [JSON.stringify([fault.path, fault.expected]), fault]))
  return [...distinct.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}
