// Checks of the configuration, as `start` reads it; and the command `config check`.
import { resolve } from 'node:path'
import type { Here } from '../cli/context.ts'
import { CommandError, type Exit } from '../cli/exits.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, type ConfigFault, describeFaults } from '../config/faults.ts'
import { readConfig } from '../config/read.ts'
import { type Environment, misspeltSettings } from '../config/settings.ts'
import type { Misspelt } from '../core/suggest.ts'
import { shownUrl } from '../core/service.ts'
import { type Checks, type Finding, fault, judged, ok, warning } from './finding.ts'

/** What was read: a configuration, or its faults. */
export interface ConfigFacts {
  readonly config?: Config
  readonly faults: readonly ConfigFault[]
  readonly misspelt: readonly Misspelt[]
}

export const CONFIG_CHECKS: Checks<ConfigFacts> = {
  values: {
    asks: 'what `start` would refuse: settings, and each value of the services file',
    mend: 'Give it a value that docs/configuration.md allows.',
    judge: ({ config, faults }) => {
      if (config === undefined) return faults.map(faultOf)
      return ok(config.file === undefined ? 'no services file: the demo service' : `${config.file} is valid`)
    },
  },
  names: {
    asks: 'whether a variable is nearly the name of a setting',
    mend: 'Correct the name, or leave the variable if it is meant for another program.',
    judge: ({ misspelt }) =>
      misspelt.length === 0
        ? ok('no variable is nearly a setting')
        : misspelt.map(({ name, meant }) => warning(`${name} is not read: did you mean ${meant}?`)),
  },
  exposure: {
    asks: 'whether `HOST` lets other machines reach an API that asks for no key',
    mend: 'Put `keys` into the services file, or see to it that only those can reach the API who may use it.',
    judge: ({ config }) => {
      if (config === undefined) return []
      const { host, keys } = config
      if (keys.size > 0) return ok(`the API on ${host} asks for keys`)
      const closed = /^(localhost|127\..*|::1)$/.test(host)
      return closed ? ok(`the API listens on ${host} only`) : warning(`other machines can reach the API on ${host}`)
    },
  },
  queue: {
    asks: 'whether several nodes have a Redis between them',
    mend: 'Set REDIS_URL, or accept the delays.',
    judge: ({ config }) => {
      if (config === undefined || config.databaseUrl === undefined || config.redisUrl !== undefined) return []
      return warning('without REDIS_URL other nodes take up to 2 s to start a task and 3 s to cancel one')
    },
  },
}

/** A fault of the configuration: its place, and what was expected. */
function faultOf({ source, line, path, expected, found }: ConfigFault) {
  const place = [line === undefined ? source : `${source}:${line}`, path].filter((part) => part !== '').join(' ')
  return fault(`${place} is ${found}`, `Make it ${expected}.`)
}

/** Reads the configuration as `start` does. */
export function readFacts(env: Environment, cwd: string): ConfigFacts {
  const misspelt = misspeltSettings(env)
  try {
    return { config: readConfig({ env, cwd }), faults: [], misspelt }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { faults: error.faults, misspelt }
  }
}

/** Checks what was read. */
export const configFindings = (facts: ConfigFacts): Finding[] => judged('config', CONFIG_CHECKS, facts)

/** `config check FILE`: every fault as at the start, or what the file holds. */
export async function config(here: Here, verb = '', file = ''): Promise<Exit> {
  if (verb !== 'check') throw new CommandError('usage', `there is no config ${verb}: use config check FILE`)
  const path = resolve(here.cwd, file)
  const { config: read, faults, misspelt } = readFacts({ ...here.env, TASK_API_CONFIG: path }, here.cwd)
  const services = [...(read?.services.values() ?? [])].map((service) => ({
    name: service.name,
    url: shownUrl(service),
    headers: Object.keys(service.headers),
  }))
  if (here.json) here.print(JSON.stringify({ file: path, services, faults }))
  else if (read === undefined) here.tell(describeFaults(new ConfigError(faults)))
  else {
    here.print(`${path} is valid: ${services.length} ${services.length === 1 ? 'service' : 'services'}`)
    for (const { name, url } of services) here.print(`${name}  ${url}`)
  }
  if (!here.json) for (const { name, meant } of misspelt) here.tell(`${name} is not read: did you mean ${meant}?\n`)
  return read === undefined ? 'configuration' : 'ok'
}
