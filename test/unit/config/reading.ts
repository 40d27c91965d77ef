// A working directory in memory, and what the configuration says of it.
import type { Config } from '../../../src/config/config.ts'
import { ConfigError, type ConfigFault } from '../../../src/config/faults.ts'
import { readConfig } from '../../../src/config/read.ts'
import type { Environment } from '../../../src/config/settings.ts'

export type Files = Readonly<Record<string, string | Uint8Array | { code: string }>>

/** Reads the configuration of a directory `/w` that holds these files. */
export function read(files: Files, env: Environment = {}): Config {
  const readHere = (path: string): Uint8Array => {
    const file = files[path.replace(/^\/w\//, '')] ?? { code: 'ENOENT' }
    if (typeof file === 'string') return Buffer.from(file)
    if (file instanceof Uint8Array) return file
    throw Object.assign(new Error(file.code), file)
  }
  return readConfig({ env, cwd: '/w', readFile: readHere, readSecret: readHere })
}

/** The faults of such a directory; none when it is fine. */
export function faultsOf(files: Files, env: Environment = {}): readonly ConfigFault[] {
  try {
    read(files, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/** A services file with one service `a`, whose members are these lines of YAML. */
export const service = (...lines: string[]): Files => ({
  'task_api.yaml': ['services:', '  a:', ...lines.map((line) => `    ${line}`)].join('\n'),
})

export const URL_LINE = 'url: http://a.internal/{action}'
