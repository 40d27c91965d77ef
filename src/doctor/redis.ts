// Checks of Redis: what it is, what it lets a node do, and whether it forgets.
import type { Config } from '../config/config.ts'
import { redisAddressOf } from '../core/redis-address.ts'
import { inspectRedis, type RedisFacts } from '../queue/inspection.ts'
import { type Checks, type Finding, fault, findingOf, judged, ok, type Verdict, warning } from './finding.ts'
import { mendOf } from './mends.ts'

const PLACE = { server: 'Redis', setting: 'REDIS_URL' }
const SLOW_MS = 20
const OLDEST = [6, 2] as const
/** The part of `maxmemory` that may be in use. */
const NEARLY_FULL = 0.9

/** What to do about commands that are refused, by how Redis says so. */
const REFUSALS: readonly (readonly [words: RegExp, mend: string])[] = [
  [/NOPERM/, 'Give the user the rights of the ACL line in docs/operations.md#redis.'],
  [/OOM/, 'Raise maxmemory, or remove keys of others.'],
  [/READONLY/, 'Name the primary in REDIS_URL, or a DNS name that leads to it, or its Sentinels.'],
  [/MISCONF|NOREPLICAS/, 'Let Redis save its data again, or set stop-writes-on-bgsave-error no: its log says why.'],
]
const mendOfRefusal = (said: string): string => REFUSALS.find(([words]) => words.test(said))?.[1] ?? mendOf(said, PLACE)

export const REDIS_CHECKS: Checks<RedisFacts> = {
  connection: {
    asks: 'whether Redis can be reached with `REDIS_URL`, lets the user in, has the database, and answers within 20 ms',
    mend: 'Put Redis into the same network as the nodes, and let nothing slow run there.',
    judge: ({ took }) => {
      const said = `Redis answers in ${took.toFixed(1)} ms`
      return took <= SLOW_MS ? ok(said) : warning(said)
    },
  },
  version: {
    asks: 'whether it is Redis 6.2 or newer, or Valkey',
    mend: 'Install Redis 6.2 or newer, or Valkey.',
    judge: ({ info }) => {
      if (info['valkey_version'] !== undefined) return ok(`Valkey ${info['valkey_version']}`)
      const version = info['redis_version']
      if (version === undefined) return NOT_KNOWN
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const fits = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
      return fits ? ok(`Redis ${version}`) : fault(`Redis ${version} is too old`)
    },
  },
  role: {
    asks: 'whether it is a primary, and of a Cluster only where `REDIS_URL` says so',
    mend: 'Name the primary in REDIS_URL, or its Sentinels or Cluster, as docs/operations.md#redis says.',
    judge: ({ info, kind }) => {
      if (info['role'] === undefined) return NOT_KNOWN
      if (info['cluster_enabled'] === '1' && kind !== 'cluster')
        return fault('this is a node of a Redis Cluster: REDIS_URL must begin with redis+cluster://')
      return info['role'] === 'master' ? ok('a primary') : fault('this is a replica, and takes no writes')
    },
  },
  places: {
    asks: 'whether each Sentinel of `REDIS_URL` answers and names the same primary, or each node of a Cluster answers',
    mend: 'Start it, correct its host, port and password in REDIS_URL, and let this machine reach it.',
    judge: ({ kind, asked }) => {
      const silent = asked.flatMap(({ host, reason }) => (reason === undefined ? [] : [warning(`${host}: ${reason}`)]))
      const primaries = [...new Set(asked.flatMap(({ place }) => place ?? []))]
      if (kind === 'sentinel' && primaries.length > 1)
        return [...silent, warning(`Sentinels name several primaries: ${primaries.join(', ')}`, DISAGREE)]
      return silent.length > 0 || kind === 'one' ? silent : ok(`${asked.length} of ${asked.length} answer`)
    },
  },
  rights: {
    asks: 'whether the user may do what a node does: each command is tried with a key that nobody uses',
    mend: 'Give the user the rights of the ACL line in docs/operations.md#redis.',
    judge: ({ refused }) =>
      refused.length === 0
        ? ok('Redis takes every command that a node sends')
        : refused.map(({ command, needed, said }) =>
            needed
              ? fault(`Redis refuses ${command}, so no ids get through: ${said}`, mendOfRefusal(said))
              : warning(`Redis refuses ${command}, so some things come late: ${said}`, mendOfRefusal(said)),
          ),
  },
  eviction: {
    asks: 'whether `maxmemory-policy` may remove lists of ids',
    mend: 'Set maxmemory-policy noeviction, or give task_api a Redis of its own.',
    judge: ({ info }) => {
      const policy = info['maxmemory_policy']
      if (policy === undefined) return NOT_KNOWN
      const evicts = policy.startsWith('allkeys')
      return evicts ? warning(`${policy}: lists may be removed, and tasks then begin up to 2 s later`) : ok(policy)
    },
  },
  memory: {
    asks: 'whether nine tenths of `maxmemory` are in use',
    mend: 'Raise maxmemory, or remove keys of others.',
    judge: ({ info }) => {
      const [used, most] = [Number(info['used_memory']), Number(info['maxmemory'])]
      if (Number.isNaN(used) || Number.isNaN(most)) return NOT_KNOWN
      if (most === 0) return ok('no limit of memory')
      const said = `${Math.round((100 * used) / most)} % of maxmemory are in use`
      return used > NEARLY_FULL * most ? warning(said) : ok(said)
    },
  },
}

const DISAGREE = 'Wait for the end of a failover; then look at SENTINEL MASTERS of each.'
const NOT_KNOWN: Verdict = ok('not known: the user may not ask for INFO')

/** Checks the Redis of a configuration; nothing where none is configured. */
export async function redis({ redisUrl, redisPrefix }: Config): Promise<Finding[]> {
  if (redisUrl === undefined) return []
  const facts = await inspectRedis(redisUrl, redisPrefix)
  if (!('reason' in facts)) return judged('redis', REDIS_CHECKS, facts)
  const verdict = fault(`${redisAddressOf(redisUrl)?.shown}: ${facts.reason}`)
  return [findingOf('redis.connection', verdict, mendOf(facts.reason, PLACE))]
}
