// Asks a Redis what a node needs to know before it can use it, and those that know where it is. Leaves nothing behind.
import { type RedisAddress, redisAddressOf } from '../core/redis-address.ts'
import { Keys } from './keys.ts'
import { Link } from './link.ts'
import { placesOf } from './place.ts'
import { reasonOf } from './reasons.ts'
import type { Redis } from './replies.ts'
import { FURTHER_RIGHTS, triedCommands } from './rights.ts'

/** What Redis answered. */
export interface RedisFacts {
  readonly kind: RedisAddress['kind']
  /** Sentinels or nodes of a Cluster: the host of each, and where it says that Redis is, or why it does not say. */
  readonly asked: readonly { readonly host: string; readonly place?: string; readonly reason?: string }[]
  /** What INFO says, by name; empty where the user may not ask. */
  readonly info: Readonly<Record<string, string>>
  /** The median of some answers, ms. */
  readonly took: number
  readonly refused: readonly { readonly command: string; readonly needed: boolean; readonly said: string }[]
}

/** `answer` and `connect` bound the whole question; there is no second try. */
const TIMES = { answer: 5_000, connect: 5_000, pause: 60_000, maxPause: 60_000 }
/** How long each of those that know where Redis is may take. */
const ASKED_MS = 2_000
const PINGS = 5

/** Asks the Redis of a URL; the reason when it cannot be used at all. Takes 6 s at most, and never throws. */
export async function inspectRedis(url: string, prefix: string): Promise<RedisFacts | { readonly reason: string }> {
  const found: { facts?: RedisFacts; reason?: string } = {}
  const address = redisAddressOf(url)
  if (!address) return { reason: 'no address of Redis' }
  const keys = new Keys(prefix)
  const link = new Link({
    address,
    probe: keys.probe,
    name: 'task_api:doctor',
    times: TIMES,
    check: async (client) => (found.facts = await factsOf(client, keys, address)),
    down: (reason) => (found.reason ??= reason),
  })
  await link.start()
  const { facts, reason = 'no answer' } = found
  const isUp = link.client !== undefined
  await link.stop()
  return isUp && facts ? facts : { reason }
}

/** Throws what Redis would say to every command. */
function refusedToAll(error: unknown): void {
  if (error instanceof Error && /^(NOAUTH|LOADING) /.test(error.message)) throw error
}

async function factsOf(client: Redis, keys: Keys, address: RedisAddress): Promise<RedisFacts> {
  const times: number[] = []
  for (let asked = 0; asked < PINGS; asked += 1) {
    const begun = performance.now()
    // An answer that refuses takes as long as any other.
    await client.ping().catch(refusedToAll)
    times.push(performance.now() - begun)
  }
  const text = await client.info().catch(() => '')
  const refused = [...(await triedCommands(client, keys)), ...(await triedCommands(client, keys, FURTHER_RIGHTS))]
  return {
    kind: address.kind,
    asked: await askedOf(keys, address),
    info: Object.fromEntries(
      [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]),
    ),
    took: times.sort((a, b) => a - b)[PINGS >> 1] ?? 0,
    refused: refused.map(({ command, needed, error }) => ({ command, needed, said: reasonOf(error, address) })),
  }
}

async function askedOf(keys: Keys, address: RedisAddress): Promise<RedisFacts['asked']> {
  if (address.kind === 'one') return []
  const end = (client: Redis): void => client.disconnect()
  const said = await placesOf({ address, probe: keys.probe, ms: ASKED_MS, end })
  return said.map((one, at) => ({
    host: new URL(address.asked[at] ?? '').host,
    ...(one.status === 'fulfilled' ? { place: new URL(one.value).host } : { reason: reasonOf(one.reason, address) }),
  }))
}
