// The faults of a configuration: their type, their text for a person, and the hiding of secrets.
import { inspect } from 'node:util'

/** One fault of the configuration. It holds no secrets. */
export interface ConfigFault {
  /** `environment`, or the absolute path of the services file. */
  readonly source: string
  /** The line in the file, from 1; absent for a variable. */
  readonly line?: number
  /** The column, from 1; only where the text is not valid YAML or JSON. */
  readonly column?: number
  /** Which value: the name of a variable, or a path such as `services.billing.timeout`; empty: the whole file. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** All faults of a configuration. The node must not start; the exit code is `CONFIG_EXIT_CODE`. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map((fault) => `${fault.path}: expected ${fault.expected}, found ${fault.found}`).join('; '))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** The exit code of a process whose configuration has faults: EX_CONFIG of sysexits.h. */
export const CONFIG_EXIT_CODE = 78

/** Shown in place of a value that may be a secret. */
export const HIDDEN = '(hidden)'

/** The faults as text for stderr, several lines, with a line break at the end. */
export function describeFaults(error: ConfigError): string {
  const count = error.faults.length
  const title = `The configuration has ${count === 1 ? 'a fault' : `${count} faults`}; nothing was started.\n`
  return title + error.faults.map(describe).join('') + '\nEvery setting: docs/configuration.md\n'
}

function describe({ source, line, column, path, expected, found }: ConfigFault): string {
  const place = [source, line, column].filter((part) => part !== undefined).join(':')
  return `\n  ${[place, path].filter(Boolean).join('  ')}\n    expected  ${expected}\n    found     ${found}\n`
}

/** A path inside the file as text; names with special characters are in brackets. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (/^[\w$-]+$/.test(String(part)) ? `.${String(part)}` : `["${String(part)}"]`))
    .join('')
    .replace(/^\./, '')

/** A value as the file has it, for `found`: short, on one line, without passwords and tokens. */
export function foundText(path: readonly PropertyKey[], value: unknown): string {
  if (value === undefined) return 'nothing'
  if (path[0] === 'services' && (path[2] === 'headers' || path[2] === 'signing')) return HIDDEN
  // Somebody may have put the token there.
  if (path[0] === 'keys' && path[2] === 'hash') return HIDDEN
  if (value === null) return 'no value'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? quoted(withoutSecrets(value)) : inspect(value)
}

/** Text in quotes on one line, cut after 100 characters. */
export const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)

/** An address with user, password and the values of its query hidden. */
const withoutSecrets = (text: string): string =>
  text.replace(/:\/\/[^/?#\\]*@/, `://${HIDDEN}@`).replaceAll(/([?&][^=&#]*=)[^&#{]+/g, `$1${HIDDEN}`)
