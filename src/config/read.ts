// From environment and services file to one frozen Config, or to every fault at once.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { Key } from '../core/key.ts'
import type { Retention, Service } from '../core/service.ts'
import { nearest } from '../core/suggest.ts'
import { faultsAcross } from './across.ts'
import type { Config } from './config.ts'
import { ConfigError, type ConfigFault, foundText, pathText, quoted } from './faults.ts'
import { type ReadFile, readServicesFile, type ServicesFile } from './file.ts'
import { frozen, frozenMap } from './frozen.ts'
import { keySchema } from './keys.ts'
import { fileSchema, serviceSchema } from './schema.ts'
import { readSmallFile } from './secret-files.ts'
import { type Environment, readSettings } from './settings.ts'
import { type FaultAt, type Values, withVariables } from './variables.ts'

/** What a configuration is read from. */
interface Sources {
  readonly env: Environment
  /** Absolute path of the working directory. */
  readonly cwd: string
  readonly readFile?: ReadFile
  /** Reads a file that `${file:/path}` names. */
  readonly readSecret?: ReadFile
}

/** Reads the configuration (docs/contract.md, section 3). Throws a `ConfigError` with every fault. */
export function readConfig({ env, cwd, readFile = readFileSync, readSecret = readSmallFile }: Sources): Config {
  const faults: ConfigFault[] = []
  const settings = readSettings(env, readSecret, faults)
  const file = readServicesFile(cwd, settings.TASK_API_CONFIG, readFile, faults)
  const found = readData(file, { env, readSecret }, faults)
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
    ...(settings.ENCRYPTION_KEYS === undefined ? {} : { encryptionKeys: settings.ENCRYPTION_KEYS }),
    ...(file === undefined ? {} : { file: file.path }),
    ...found,
  })
}

/** What the services file says. */
export type FileData = Pick<Config, 'services' | 'keys' | 'retention'>

/** Reads what one file says, an absolute path, again. Throws a `ConfigError` with every fault. */
export function readFileAgain(path: string, readFile: ReadFile, values: Values): FileData {
  const faults: ConfigFault[] = []
  const found = readData(readServicesFile('/', path, readFile, faults), values, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return found
}

/** What a file says, which may be missing. */
function readData(file: ServicesFile | undefined, values: Values, faults: ConfigFault[]): FileData {
  const { services, keys, retention } = file === undefined ? NOTHING : readFileData(file, values, faults)
  if (values.env['AUTH'] === 'required' && keys.length === 0 && faults.length === 0) {
    const expected = 'a services file with `keys`, because AUTH is required'
    faults.push({ source: 'environment', path: 'AUTH', expected, found: file?.path ?? 'no services file' })
  }
  return { services: byName(services), keys: byName(keys), retention }
}

const byName = <T extends Service | Key>(all: readonly T[]): ReadonlyMap<string, T> =>
  frozenMap(all.map((one) => [one.name, one]))

interface Listed {
  readonly services: readonly Service[]
  readonly keys: readonly Key[]
  readonly retention: Retention
}
const NOTHING: Listed = { services: [], keys: [], retention: {} }

function readFileData(file: ServicesFile, values: Values, faults: ConfigFault[]): Listed {
  const missing: FaultAt[] = []
  const data = withVariables(file.data, values, missing)
  const { success, data: parsed, error } = fileSchema.safeParse(data)
  const named = new Set(missing.map(({ path }) => pathText(path)))
  // A value whose variable is missing breaks other rules too; that says nothing new.
  const across = faultsAcross(data).map((fault) => withoutValue(file, data, fault))
  const broken = [...(error?.issues ?? []).flatMap(faultsOfIssue), ...across].filter(
    ({ path }) => !named.has(pathText(path)),
  )
  faults.push(...inOrder([...missing, ...broken].map((fault) => inFile(file, fault))))
  if (!success || faults.length > 0) return NOTHING
  return {
    services: Object.entries(parsed.services).map(([name, service]) => ({ name, ...service })),
    keys: Object.entries(parsed.keys ?? {}).map(([name, { hash, services, expires, ...key }]) => ({
      name,
      hashes: hash,
      services,
      expires,
      ...key,
    })),
    retention: parsed.retention ?? {},
  }
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

/** The names that the file may have at a path: at its top, in a key, in a service, or in a mapping of either. */
function shapeAt(path: readonly PropertyKey[]): object {
  if (path.length === 0) return fileSchema.shape
  if (path[0] === 'keys') return keySchema.shape
  if (path.length === 2) return serviceSchema.shape
  const { retry, callback, signing, retention } = serviceSchema.shape
  const inner = { retry, callback, signing, retention }[String(path.at(-1))] ?? retention
  return inner.unwrap().shape
}

/** The text of the file is shown in place of a value from a variable, which may be a secret. */
function withoutValue({ data }: ServicesFile, values: unknown, fault: FaultAt): FaultAt {
  const text = valueAt(data, fault.path)
  if (typeof text !== 'string' || text === valueAt(values, fault.path)) return fault
  return { path: fault.path, expected: fault.expected }
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
