// `${NAME}` in the text of the services file: put in from the environment.
import type { Environment } from './settings.ts'

/** A fault at a path inside the file. `found` is left out where the value in the file says it. */
export interface FaultAt {
  readonly path: readonly PropertyKey[]
  readonly expected: string
  readonly found?: string
}

/**
 * A copy of the data in which every `${NAME}` inside a string is the variable's value; `$${` stands for `${` itself.
 * Values are put in once and not looked into. A variable that is missing or empty is a fault; so is a key `__proto__`.
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
      // zod drops this key without a word.
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
