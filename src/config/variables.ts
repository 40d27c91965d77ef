// Replaces `${NAME}` and `${file:/path}` in the text of the services file: with environment variables, and what files hold.
import type { ReadFile } from './file.ts'
import { type NoValue, secretOf } from './secret-files.ts'
import type { Environment } from './settings.ts'

/** Where the values come from. */
export interface Values {
  readonly env: Environment
  readonly readSecret: ReadFile
}

/** A fault at a path inside the file. Without `found` the value in the file is shown. */
export interface FaultAt {
  readonly path: readonly PropertyKey[]
  readonly expected: string
  readonly found?: string
}

/**
 * A copy of the data in which every `${NAME}` inside a string is replaced with the variable's value, and every `${file:/path}`
 * with the content of that file; `$${` stands for `${`. The values are not searched for variables. A missing or empty variable is
 * a fault, and so are a file that cannot be read and a key `__proto__`.
 */
export function withVariables(
  data: unknown,
  values: Values,
  faults: FaultAt[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof data === 'string') return substituted(data, values, (fault) => faults.push({ path, ...fault }))
  if (Array.isArray(data)) return data.map((item, index) => withVariables(item, values, faults, [...path, index]))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => {
      const inner = [...path, key]
      // zod would drop this key silently.
      if (key === '__proto__') faults.push({ path: inner, expected: 'another name', found: 'the name __proto__' })
      return key === '__proto__' ? [] : [[key, withVariables(value, values, faults, inner)]]
    }),
  )
}

function substituted(text: string, values: Values, report: (fault: NoValue) => void): string {
  return text.replaceAll(/\$?\$\{([^{}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    const value = end === '' ? NO_VARIABLE : (secretOf(name, values.readSecret) ?? variable(name, values.env))
    if (typeof value === 'string') return value
    report(value)
    return whole
  })
}

const NO_VARIABLE: NoValue = {
  expected: 'a variable as ${NAME}, a file as ${file:/run/secrets/x}, or $${ for these characters themselves',
}

function variable(name: string, env: Environment): string | NoValue {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return NO_VARIABLE
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value !== undefined && value !== '') return value
  const found = value === undefined ? 'not set' : 'set, but empty'
  return { expected: `the environment variable ${name} to be set`, found }
}
