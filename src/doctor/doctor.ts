// The command `doctor`: all checks side by side, each part with a time limit, and what they find.
import type { Here } from '../cli/context.ts'
import type { Exit } from '../cli/exits.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/settings.ts'
import { OVERDUE, within } from '../queue/within.ts'
import { CONFIG_CHECKS, configFindings, readFacts } from './config.ts'
import { type Check, type Finding, fault, findingOf } from './finding.ts'
import { machine, MACHINE_CHECKS } from './machine.ts'
import { saidBy } from './mends.ts'
import { NODE_CHECKS, nodeFindings } from './node.ts'
import { LOAD_CHECKS, LOOK_CHECKS, postgres, ROOM_CHECKS, SCHEMA_CHECKS, SERVER_CHECKS } from './postgres.ts'
import { SERVERS_CHECKS } from './servers.ts'
import { redis, REDIS_CHECKS } from './redis.ts'
import { SERVICE_CHECKS, services } from './services.ts'

/** All checks by part, as docs/cli.md prints them. */
export const CHECKS: Readonly<Record<string, Readonly<Record<string, Pick<Check<never>, 'asks' | 'mend'>>>>> = {
  node: NODE_CHECKS,
  config: CONFIG_CHECKS,
  postgres: { ...SERVERS_CHECKS, ...SERVER_CHECKS, ...SCHEMA_CHECKS, ...LOAD_CHECKS, ...LOOK_CHECKS, ...ROOM_CHECKS },
  redis: REDIS_CHECKS,
  services: SERVICE_CHECKS,
  machine: MACHINE_CHECKS,
}

/** The parts that ask others, in the order in which they begin: few names can be looked up at a time. */
const PARTS: Readonly<Record<string, (config: Config) => Promise<Finding[]>>> = { postgres, redis, machine, services }

/** The time limit of a part. The start of the program comes before it. */
const PART_LIMIT_MS = 11_000

/** Prints what all checks find. `failed` when one of them is a fault. */
export async function doctor(here: Here): Promise<Exit> {
  const found = await examine(here.env, here.cwd)
  if (here.json) here.print(JSON.stringify(found))
  else for (const finding of found) here.print(lineOf(finding))
  return found.some(({ state }) => state === 'fault') ? 'failed' : 'ok'
}

/** Makes all checks; those of servers only where the configuration is valid. Changes nothing. */
export async function examine(env: Environment, cwd: string): Promise<Finding[]> {
  const facts = readFacts(env, cwd)
  const { config } = facts
  const own = [...nodeFindings(env), ...configFindings(facts)]
  if (config === undefined) return own
  const asked = await Promise.all(Object.entries(PARTS).map(([name, part]) => limited(name, part(config))))
  return [...own, ...asked.flat()]
}

/** What a part finds, or that it has not ended in time. */
export async function limited(name: string, part: Promise<Finding[]>, ms = PART_LIMIT_MS): Promise<Finding[]> {
  const findings = await within(part, ms).catch((error: unknown) => saidBy(error))
  if (findings !== OVERDUE && typeof findings !== 'string') return findings
  const what = findings === OVERDUE ? `no end within ${ms / 1_000} s` : findings
  return [findingOf(name, fault(what), 'Run the command again, and report this if it lasts.')]
}

const lineOf = ({ check, state, what, mend }: Finding): string =>
  `${state.padEnd(7)}  ${check}: ${what}${mend === null ? '' : `. ${mend}`}`
