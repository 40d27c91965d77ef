// The services file while a node runs: read again when the file changes and when somebody asks, and put in use if it is valid.
import { readFile, stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError, type ConfigFault } from './config/faults.ts'
import { readConfig } from './config/read.ts'
import type { Environment } from './config/settings.ts'
import type { Config } from './config/config.ts'
import type { Part } from './core/part.ts'
import { Refusal } from './core/refusal.ts'
import type { Retention, Service, ServiceChanges, Services } from './core/service.ts'
import { Ticker } from './supervisor/ticker.ts'
import type { Log } from './telemetry/log.ts'

interface ReloadOptions {
  /** The services file, absolute; undefined: there is none that could be read again. */
  readonly file: string | undefined
  /** What `${NAME}` in the file means: the environment of the start. */
  readonly env: Environment
  /** The services that are known now; changed in place. */
  readonly services: Map<string, Service>
  /** What the file says for all services. */
  readonly retention: Retention
  readonly log: Log
  /** The services have changed, or the retention. */
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
  /** The status of the file before it was last read, and at the last look. */
  #read = NO_FILE
  #seen = NO_FILE
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
    const seen = await statusOf(this.#options.file ?? '')
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
    const { file, env, services, log, changed } = this.#options
    const status = file === undefined ? NO_FILE : await statusOf(file)
    if (file === undefined || status === NO_FILE)
      throw new Refusal('no_services_file', 'This node was started without a services file that can be read again.')
    this.#read = status
    const text = await readFile(file).catch((error: unknown) => error)
    const found = servicesIn(file, env, text)
    if (found instanceof ConfigError) {
      this.#rejected = true
      log.event('services_rejected', { faults: found.faults.map(faultText) })
      throw refusalOf(found)
    }
    const changes = replace(services, found.services)
    const retained = isDeepStrictEqual(found.retention, this.#retention)
    const some = !retained || Object.values(changes).some((names) => names.length > 0)
    this.#retention = found.retention
    if (some) changed(found.retention)
    if (some || this.#rejected) log.event('services_reloaded', changes)
    this.#rejected = false
    return changes
  }
}

/** The status of a pipe, which would be read for ever, or of a device. */
const NO_FILE = ''

/** Another text after each change of the file, also when another file has its name. */
async function statusOf(file: string): Promise<string> {
  try {
    const found = await stat(file, { bigint: true })
    const { dev, ino, size, mtimeNs, ctimeNs } = found
    return found.isFile() || found.isDirectory() ? [dev, ino, size, mtimeNs, ctimeNs].join(' ') : NO_FILE
  } catch (error) {
    return String(error)
  }
}

/** The configuration that the text of a file describes, read as at the start. `text` may be the error of reading it. */
function servicesIn(file: string, env: Environment, text: unknown): Config | ConfigError {
  const readText = (): Uint8Array => {
    if (text instanceof Uint8Array) return text
    throw text
  }
  try {
    return readConfig({ env: { ...env, TASK_API_CONFIG: file }, cwd: '/', readFile: readText })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** Makes `services` what `found` is, in place, and tells what differs. */
function replace(services: Map<string, Service>, found: Services): ServiceChanges {
  const added = [...found.keys()].filter((name) => !services.has(name))
  const removed = [...services.keys()].filter((name) => !found.has(name))
  const changed = [...found.keys()].filter(
    (name) => services.has(name) && !isDeepStrictEqual(services.get(name), found.get(name)),
  )
  services.clear()
  for (const [name, service] of found) services.set(name, service)
  return { added, changed, removed }
}

const detailOf = ({ expected, found }: ConfigFault): string => `Expected ${expected}, found ${found}.`

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
