// Faults of Redis. None of them may cost a repeated request: it carries only notices.
import { setTimeout as passed } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { REDIS_LISTS } from '../services.ts'
import type { Random } from '../random.ts'
import type { Rig } from '../rig.ts'
import { type Fault, NORMAL, long } from './fault.ts'

const JUNK = 100_000
const PUSHED_AT_ONCE = 5_000
/** Junk is worked off by then, ms; else what waits behind it comes too late, and that is told. */
const WORKED_OFF = 60_000

/** A fault of Redis; repeats during it are breaches, a DELETE may take the 3 s that it takes without Redis. */
export const redisFault = (name: string, strike: (rig: Rig, random: Random) => Promise<unknown>): Fault => ({
  name: `Redis: ${name}`,
  group: 'redis',
  normal: NORMAL.redis,
  strike: async (rig, random) =>
    void (await rig.span({ name, excuses: false, cancelWithin: 3_000 }, () => strike(rig, random))),
})

/** Runs commands at the server itself, past the links. */
async function at(rig: Rig, commands: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(rig.redis.url, { maxRetriesPerRequest: 1 })
  client.on('error', () => undefined)
  try {
    await commands(client)
  } finally {
    client.disconnect()
  }
}

/** Ids of all kinds: real ones (running, ended, deleted, of the other service), made-up ones, and bytes that are no id. */
async function junk(rig: Rig, random: Random): Promise<(string | Buffer)[]> {
  const rows = await rig.postgres.sql<{ id: string }>('select id from tasks order by id desc limit 5000')
  const real = rows.map(({ id }) => id)
  const odd = ['', '0', '-1', '1.5', 'NaN', '99999999999999999999', '9223372036854775807', '{"id":1}', '01', ' 7']
  return Array.from({ length: JUNK }, () => {
    if (real.length > 0 && random.chance(0.5)) return random.pick(real)
    if (random.chance(0.2)) return random.pick(odd)
    return random.chance(0.1) ? Buffer.from([0, 255, 13, 10]) : String(random.within(1, 2_000_000))
  })
}

async function push(client: Redis, values: readonly (string | Buffer)[], random: Random): Promise<void> {
  for (let i = 0; i < values.length; i += PUSHED_AT_ONCE)
    await client.lpush(random.pick(REDIS_LISTS), ...values.slice(i, i + PUSHED_AT_ONCE))
}

export const REDIS_FAULTS: readonly Fault[] = [
  redisFault('killed, and back empty', (rig, random) => rig.redis.restart(random.within(100, 3_000))),
  redisFault('FLUSHALL', (rig) => at(rig, (client) => client.flushall())),
  redisFault('frozen for 10 s', async (rig) => rig.redis.freeze(10_000 / rig.setup.scale)),
  redisFault('CLIENT KILL', (rig) =>
    at(rig, async (client) => {
      for (const type of ['normal', 'pubsub'] as const)
        await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
    }),
  ),
  redisFault('a string in place of a list', (rig) =>
    at(rig, async (client) => {
      for (const list of REDIS_LISTS) await client.set(list, 'no list')
      await long(rig, 1_000)
    }),
  ),
  redisFault('100,000 junk and double ids', (rig, random) =>
    at(rig, async (client) => {
      await push(client, await junk(rig, random), random)
      // They are worked off while the fault lasts; what comes behind them waits no longer than the full pass lets it.
      const end = performance.now() + WORKED_OFF
      while (
        performance.now() < end &&
        (await Promise.all(REDIS_LISTS.map((list) => client.llen(list)))).some((length) => length > 1_000)
      )
        await passed(50)
    }),
  ),
]
