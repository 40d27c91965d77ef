// The services file while a node runs: read again when the file or a secret in a file of its own changes, and when somebody asks.
import { type BigIntStats, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError, type ConfigFault } from './config/faults.ts'
import { type FileData, readFileAgain } from './config/read.ts'
import { readSmallFile } from './config/secret-files.ts'
import type { Environment } from './config/settings.ts'
import type { Values } from './config/variables.ts'
import type { Key } from './core/key.ts'
import type { Part } from './core/part.ts'
import { Refusal } from './core/refusal.ts'
import type { Retention, Service, ServiceChanges } from './core/service.ts'
import { Ticker } from './supervisor/ticker.ts'
import type { Log } from './telemetry/log.ts'

interface ReloadOptions {
  /** The services file, absolute; undefined: there is none that could be read again. */
  readonly file: string | undefined
  /** What `${NAME}` in the file means: the environment of the start. */
  readonly env: Environment
  /** The services that are known now; changed in place. */
  readonly services: Map<string, Service>
  /** The keys that count now, likewise. */
  readonly keys: Map<string, Key>
  /** What the file says for all services. */
  readonly retention: Retention
  readonly log: Log
  /** The services, the keys or the retention have changed. */
  changed(retention: Retention): void
}

/** Between two looks at the file, ms. A file that has changed is read once two looks in a row found the same. */
const LOOK_MS = 400

/**
 * A part: it looks at the file. Asking for its status works where notices of the file system do not: after a rename, behind a
 * symbolic link that was swapped, on file systems of a network.
 */
export class Reload implements Part {
  readonly #options: ReloadOptions
  readonly #ticker: Ticker
  /** The status of the files before they were last read, and at the last look. */
  #read = NO_FILE
  #seen = NO_FILE
  /** The files that `${file:/path}` named when the services file was last read. */
  #secrets: readonly string[] = []
  #rejected = false
  #retention: Retention
  #reading: Promise<unknown> = Promise.resolve()

  constructor(options: ReloadOptions) {
    this.#options = options
    this.#retention = options.retention
    this.#ticker = new Ticker({ name: 'services file', every: LOOK_MS, log: options.log, run: () => this.#look() })
  }

  async start(): Promise<void> {
    if (this.#options.file !== undefined) await this.#ticker.start()
  }

  stop(): Promise<void> {
    return this.#ticker.stop()
  }

  /** Reads the file now. Throws a `Refusal`: `no_services_file`, or `invalid_services` with every fault; nothing changes then. */
  reload(): Promise<ServiceChanges> {
    // One at a time: an older text must not come after a newer one.
    const reading = this.#reading.then(() => this.#readAgain())
    this.#reading = reading.catch(() => undefined)
    return reading
  }

  async #look(): Promise<boolean> {
    const files = [this.#options.file ?? '', ...this.#secrets]
    const seen = (await Promise.all(files.map(statusOf))).join('\n')
    // An editor may be writing: half of a file can be valid.
    const settled = seen === this.#seen
    this.#seen = seen
    if (settled && seen !== this.#read)
      await this.reload().catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error
      })
    return false
  }

  async #readAgain(): Promise<ServiceChanges> {
    const { file, env, services, keys, log, changed } = this.#options
    const status = file === undefined ? NO_FILE : await statusOf(file)
    if (file === undefined || status === NO_FILE)
      throw new Refusal('no_services_file', 'This node was started without a services file that can be read again.')
    const text = await readFile(file).catch((error: unknown) => error)
    const secrets = new Map<string, string>()
    const readSecret = (path: string): Uint8Array => {
      if (!secrets.has(path)) secrets.set(path, statusNow(path))
      return readSmallFile(path)
    }
    const found = dataIn(file, text, { env, readSecret })
    this.#secrets = [...secrets.keys()]
    this.#read = [status, ...secrets.values()].join('\n')
    if (found instanceof ConfigError) {
      this.#rejected = true
      log.event('services_rejected', { faults: found.faults.map(faultText) })
      throw refusalOf(found)
    }
    const changes = replace(services, found.services)
    const ofKeys = replace(keys, found.keys)
    const some = hasSome(changes) || !isDeepStrictEqual(found.retention, this.#retention)
    this.#retention = found.retention
    if (some || hasSome(ofKeys)) changed(found.retention)
    if (some || this.#rejected) log.event('services_reloaded', changes)
    if (hasSome(ofKeys)) log.event('keys_reloaded', ofKeys)
    this.#rejected = false
    return changes
  }
}

/** The status of a pipe, which would be read for ever, or of a device. */
const NO_FILE = ''

/** Another text after each change of the file, also when another file has its name. */
const statusOf = (file: string): Promise<string> => stat(file, { bigint: true }).then(statusText, String)

/** The same, for a file that is read at once. */
function statusNow(file: string): string {
  try {
    return statusText(statSync(file, { bigint: true }))
  } catch (error) {
    return String(error)
  }
}

function statusText(found: BigIntStats): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = found
  return found.isFile() || found.isDirectory() ? [dev, ino, size, mtimeNs, ctimeNs].join(' ') : NO_FILE
}

/** What the text of a file describes, read as at the start. `text` may be the error of reading it. */
function dataIn(file: string, text: unknown, values: Values): FileData | ConfigError {
  const readText = (): Uint8Array => {
    if (text instanceof Uint8Array) return text
    throw text
  }
  try {
    return readFileAgain(file, readText, values)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** Makes `known` what `found` is, in place, and tells what differs. */
function replace<T>(known: Map<string, T>, found: ReadonlyMap<string, T>): ServiceChanges {
  // What has not changed stays the same value: who holds it can tell.
  const next = [...found].map(([name, one]) => {
    const old = known.get(name)
    return [name, isDeepStrictEqual(old, one) && old !== undefined ? old : one] as const
  })
  const added = [...found.keys()].filter((name) => !known.has(name))
  const removed = [...known.keys()].filter((name) => !found.has(name))
  const changed = next.filter(([name, one]) => known.has(name) && known.get(name) !== one).map(([name]) => name)
  known.clear()
  for (const [name, one] of next) known.set(name, one)
  return { added, changed, removed }
}

const hasSome = (changes: ServiceChanges): boolean => Object.values(changes).some((names) => names.length > 0)

/** What was found may end with a question: did you mean …? */
const detailOf = ({ expected, found }: ConfigFault): string =>
  `Expected ${expected}, found ${found}${found.endsWith('?') ? '' : '.'}`

function faultText(fault: ConfigFault): string {
  const place = [fault.source, fault.line, fault.column].filter((part) => part !== undefined).join(':')
  return [place, fault.path, detailOf(fault)].filter((part) => part !== '').join(' ')
}

const refusalOf = ({ faults }: ConfigError): Refusal =>
  new Refusal(
    'invalid_services',
    'The services file has faults. The services stay as they are.',
    faults.map((fault) => ({
      path: fault.path,
      ...(fault.line !== undefined && { line: fault.line }),
      detail: detailOf(fault),
    })),
  )
