// Faults of the links between a node and its servers.
import { FAULTY_WAYS, type Way } from '../link.ts'
import type { Member } from '../member.ts'
import type { Rig } from '../rig.ts'
import { Breach } from '../row.ts'
import { type Fault, NORMAL, long } from './fault.ts'

type Server = keyof Member['links']

/** Longer than a lease, ms at full times. */
const HELD = 14_000
/** The trust window and the lease, ms at full times. */
const TRUST = 8_000
const LEASE = 10_000
/**
 * What may lie between a node's permission to begin a request and its record at the referee, ms: two processes' turns and this one's,
 * in which proxies, callers and referee share a thread.
 */
const ON_ITS_WAY = 500
/** A node is at work again so long after its links are, ms. */
const BACK = 15_000

/** Ways that only take time. */
const isGentle = (way: Way): boolean => way === 'slow' || way === 'drip'

/** What a fault of a link excuses. It lets no node act on what it does not hold any more: nothing is doubted. */
interface Excuse {
  readonly excuses: boolean
  readonly cancelWithin: number
}

/** Redis carries only notices, and a link that is only slow costs no repeat; statements of 600 ms need a lease of full length. */
function excuseOf(server: Server, way: Way, scale: number): Excuse {
  if (server === 'redis') return { excuses: false, cancelWithin: 3_000 }
  if (server === 'service') return { excuses: !isGentle(way), cancelWithin: 1_000 }
  return isGentle(way)
    ? { excuses: scale > 1, cancelWithin: TRUST }
    : { excuses: true, cancelWithin: Math.max(1_000, TRUST / scale) }
}

/** What was seen of the node whose link it was. */
export interface Seen {
  /** Its last request while it was cut off from Postgres, ms after its last good beat. */
  readonly latest?: number
  /** Its requests while a link was slow, or Redis was away. */
  readonly during?: number
}

type Tell = (seen: Seen) => void

const fault = (server: Server, way: Way, tell: Tell = () => undefined): Fault => ({
  name: `link to ${server}: ${way}`,
  group: 'links',
  normal: server === 'redis' ? NORMAL.redis : NORMAL.node,
  strike: (rig, random) =>
    rig.withMember(random, async (member) => {
      const { scale } = rig.setup
      const link = member.links[server]
      const cutsOff = server === 'postgres' && !isGentle(way)
      await rig.span({ name: `${server} ${way}`, of: member.name, ...excuseOf(server, way, scale) }, async () => {
        const since = Date.now()
        link.set(way)
        try {
          await long(rig, HELD)
          const times = begun(rig, member, since)
          // A beat that was sent after the cut is not good: its answer never came, whatever it did there.
          if (cutsOff)
            tell({ latest: trustKept(Math.min(since, await lastBeat(rig, member)), times[0], scale, member) })
          if (server === 'redis' || isGentle(way)) {
            if (times.length === 0) throw new Breach([`${member.name} began no request with ${server} ${way}`])
            tell({ during: times.length })
          }
        } finally {
          link.set('open')
        }
      })
      const first = await backAtWork(rig, member, Date.now(), `${server} ${way}`)
      if (cutsOff) trustKept(await lastBeat(rig, member), first, scale, member)
    }),
})

/** The times at which a node's requests since then arrived, the newest first. */
function begun({ referee: { asked } }: Rig, { name }: Member, since: number): number[] {
  const times: number[] = []
  for (let i = asked.length - 1; i >= 0; i -= 1) {
    const { at, node } = asked[i] ?? { at: 0, node: '' }
    if (at <= since) break
    if (node === name) times.push(at)
  }
  return times
}

/** When the node's first request after a fault came. Others' tasks are no proof that it is at work again. */
async function backAtWork(rig: Rig, member: Member, since: number, fault: string): Promise<number | undefined> {
  const first = (): number | undefined => begun(rig, member, since).at(-1)
  await rig.referee
    .until(() => first() !== undefined, BACK)
    .catch(() => {
      throw new Breach([`${member.name} began no request in ${BACK} ms after ${fault}`])
    })
  return first()
}

/** When the last beat was that Postgres knows of: it set the end of the lease, a little after its start. */
async function lastBeat(rig: Rig, { name }: Member): Promise<number> {
  const [row] = await rig.postgres.sql<{ until: string }>(
    `select (extract(epoch from max(lease_until)) * 1000)::text as until from nodes where name = $1`,
    [name],
  )
  return Number(row?.until) - LEASE / rig.setup.scale
}

/** No request begins later than the trust window after a good beat. How long after it this one came, ms; 0: there was none. */
function trustKept(beat: number, at: number | undefined, scale: number, { name }: Member): number {
  const after = at === undefined ? 0 : Math.max(0, Math.round(at - beat))
  if (after > TRUST / scale + ON_ITS_WAY)
    throw new Breach([`${name} began a request ${after} ms after its last good beat, not within ${TRUST / scale}`])
  return after
}

const SERVERS: readonly Server[] = ['postgres', 'redis', 'service']

/** Each way on each link. */
export const linkFaults = (tell?: Tell): Fault[] =>
  SERVERS.flatMap((server) => FAULTY_WAYS.map((way) => fault(server, way, tell)))

export const LINK_FAULTS: readonly Fault[] = linkFaults()

/** So many of them for a seed; from one seed to the next on through all of them. */
export const someLinks = (seed: number, count: number, tell?: Tell): Fault[] =>
  Array.from({ length: count }, (_, i) => {
    const place = seed * count + i
    const server = place % SERVERS.length
    // Each server in another way than the one before it.
    const way = Math.floor(place / SERVERS.length) + 2 * server
    return fault(SERVERS[server] ?? 'postgres', FAULTY_WAYS[way % FAULTY_WAYS.length] ?? 'cut', tell)
  })
