// What an error of Redis is called in the log: its own words without passwords, and what they mean where that is not plain.
import type { RedisAddress } from '../core/redis-address.ts'

/** What answers mean of servers that are not what REDIS_URL says. */
const OF_OTHERS: readonly (readonly [words: RegExp, meaning: string])[] = [
  [
    /^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/,
    'this is a Redis Cluster: REDIS_URL must be redis+cluster://host1:6379,host2:6379',
  ],
  [
    /unknown command [`'"]?lpush/i,
    'this is a Redis Sentinel, or no Redis: REDIS_URL must be redis+sentinel://host1:26379,host2:26379/mymaster',
  ],
  [/unknown command [`'"]?sentinel/i, 'this is no Sentinel: REDIS_URL must name the Sentinels'],
]

/** What answers of a Cluster mean. */
const OF_CLUSTER: readonly (readonly [words: RegExp, meaning: string])[] = [
  [/^MOVED\b/, 'the slot of task_api is at another node now'],
  [/^(ASK|TRYAGAIN)\b/, 'the slot of task_api is being moved'],
]

/** What an error says, in a form for the log: short, and without the passwords of the address. */
export function reasonOf(error: unknown, { kind, secrets }: RedisAddress): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  const clean = secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text).slice(0, 200)
  const meanings = kind === 'cluster' ? OF_CLUSTER : OF_OTHERS
  const meaning = meanings.find(([words]) => words.test(text))?.[1]
  return meaning === undefined ? clean : `${clean} (${meaning})`
}
