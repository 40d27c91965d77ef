// Replaces `${NAME}` in the text of the services file with environment variables.
import type { Environment } from './settings.ts'

/** A fault at a path inside the file. Without `found` the value in the file is shown. */
export interface FaultAt {
  readonly path: readonly PropertyKey[]
  readonly expected: string
  readonly found?: string
}

/**
 * A copy of the data in which every `${NAME}` inside a string is replaced with the variable's value; `$${` stands for `${`.
 * The values are not searched for variables. A missing or empty variable is a fault, and so is a key `__proto__`.
 */
export function withVariables(
  data: unknown,
  env: Environment,
  faults: FaultAt[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof data === 'string') return substituted(data, env, (fault) => faults.push({ path, ...fault }))
  if (Array.isArray(data)) return data.map((item, index) => withVariables(item, env, faults, [...path, index]))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => {
      const inner = [...path, key]
      // zod would drop this key silently.
      if (key === '__proto__') faults.push({ path: inner, expected: 'another name', found: 'the name __proto__' })
      return key === '__proto__' ? [] : [[key, withVariables(value, env, faults, inner)]]
    }),
  )
}

type Report = (fault: Omit<FaultAt, 'path'>) => void

function substituted(text: string, env: Environment, report: Report): string {
  return text.replaceAll(/\$?\$\{([^{}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || end === '') {
      report({ expected: 'a variable as ${NAME}, or $${ for these characters themselves' })
      return whole
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (value !== undefined && value !== '') return value
    report({
      expected: `the environment variable ${name} to be set`,
      found: value === undefined ? 'not set' : 'set, but empty',
    })
    return whole
  })
}
