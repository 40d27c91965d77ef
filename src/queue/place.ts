// Where Redis is at the moment. Sentinels know it, and so do the nodes of a Cluster: all keys lie in one slot, and so on one primary.
import type { RedisAddress } from '../core/redis-address.ts'
import { connectionTo } from './connection.ts'
import type { Redis } from './replies.ts'
import { OVERDUE, within } from './within.ts'

export interface Asking {
  readonly address: RedisAddress
  /** A key in the slot of all keys, which never exists. */
  readonly probe: string
  /** How long an answer may take, ms. */
  readonly ms: number
  /** Called for each connection before it is used, and to end it. */
  readonly begin?: (client: Redis) => void
  readonly end: (client: Redis) => void
}

/** The URL of Redis, by the first answer; rejects with what all said when there is none. The URL of one Redis is not asked for. */
export async function placeOf(asking: Asking): Promise<string> {
  const { kind, asked } = asking.address
  if (kind === 'one') return asked[0] ?? ''
  const clients = new Map(asked.map((url) => [url, clientFor(url, asking)]))
  try {
    return await Promise.any([...clients].map(([url, client]) => named(url, client, asking)))
  } catch (error) {
    const said = (error as AggregateError).errors.map((one: Error) => one.message)
    throw new Error([...new Set(said)].join('; '), { cause: error })
  } finally {
    for (const client of clients.values()) asking.end(client)
  }
}

/** What each of the asked says: the URL of Redis, or an error. */
export function placesOf(asking: Asking): Promise<PromiseSettledResult<string>[]> {
  return Promise.allSettled(
    asking.address.asked.map(async (url) => {
      const client = clientFor(url, asking)
      return named(url, client, asking).finally(() => asking.end(client))
    }),
  )
}

function clientFor(url: string, { ms, begin }: Asking): Redis {
  const client = connectionTo(url, { name: 'task_api:place', connect: ms })
  begin?.(client)
  return client
}

async function named(url: string, client: Redis, { address, probe, ms }: Asking): Promise<string> {
  let trouble: Error | undefined
  client.on('error', (error: Error) => (trouble = error))
  const ask =
    address.kind === 'sentinel' ? () => primaryOf(client, address) : () => ownerOf(client, url, address, probe)
  try {
    const place = await within(client.connect().then(ask), ms)
    if (place !== OVERDUE) return place
  } catch (error) {
    throw trouble ?? error
  }
  throw new Error('no answer')
}

async function primaryOf(client: Redis, address: RedisAddress): Promise<string> {
  const found: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master)
  if (!Array.isArray(found)) throw new Error(`the Sentinel knows no primary ${address.master}`)
  return at(address, String(found[0]), String(found[1]))
}

/** Who owns a slot takes a write. Others say MOVED, and where to; the host may be left out. */
async function ownerOf(client: Redis, url: string, address: RedisAddress, probe: string): Promise<string> {
  try {
    await client.lpushx(probe, '')
    return url
  } catch (error) {
    const [, host = '', port] = /^MOVED \d+ (.*):(\d+)$/.exec((error as Error).message) ?? []
    if (port === undefined) throw error
    return at(address, host === '' ? new URL(url).hostname.replace(/^\[|\]$/g, '') : host, port)
  }
}

/** The URL of what was named; the words of others may be anything. */
function at(address: RedisAddress, host: string, port: string): string {
  const place = address.at(host, port)
  if (!/^[\w.:-]+$/.test(host) || !URL.canParse(place)) throw new Error('an address was named that cannot be read')
  return place
}
