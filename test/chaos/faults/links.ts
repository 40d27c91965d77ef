// Faults of the links between a node and its servers.
import { FAULTY_WAYS, type Way } from '../link.ts'
import type { Member } from '../member.ts'
import type { Rig } from '../rig.ts'
import { Breach } from '../row.ts'
import { type Fault, NORMAL, long } from './fault.ts'

type Server = keyof Member['links']

/** Longer than a lease, ms at full times. */
const HELD = 13_000
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

/** What a fault of a link excuses. */
interface Excuse {
  readonly excuses: boolean
  readonly doubts: readonly string[]
  readonly cancelWithin: number
}

/** Redis carries only hints, and a link that is only slow costs no repeat; statements of 600 ms need a lease of full length. */
function excuseOf(server: Server, way: Way, { setup: { scale } }: Rig, { name }: Member): Excuse {
  if (server === 'redis') return { excuses: false, doubts: [], cancelWithin: 3_000 }
  if (server === 'service') return { excuses: !isGentle(way), doubts: [], cancelWithin: 1_000 }
  if (isGentle(way)) return { excuses: scale > 1, doubts: scale > 1 ? [name] : [], cancelWithin: TRUST }
  return { excuses: true, doubts: [name], cancelWithin: TRUST / scale }
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
      const link = member.links[server]
      const excuse = excuseOf(server, way, rig, member)
      await rig.span({ name: `${server} ${way}`, of: member.name, ...excuse }, async () => {
        const since = Date.now()
        link.set(way)
        try {
          await long(rig, HELD)
          if (server === 'postgres' && !isGentle(way)) tell({ latest: await trustKept(rig, member, since) })
          if (server === 'redis' || isGentle(way)) {
            await works(rig, member, since, `with ${server} ${way}`, 0)
            tell({ during: begun(rig, member, since).length })
          }
        } finally {
          link.set('open')
        }
      })
      await works(rig, member, Date.now(), `after ${server} ${way}`, BACK)
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

/** Some request of the node arrives within so many ms. Others' tasks are no proof of it. */
async function works(rig: Rig, member: Member, since: number, when: string, ms: number): Promise<void> {
  const some = (): boolean => begun(rig, member, since).length > 0
  if (some()) return
  const came = await rig.referee.until(some, ms).then(
    () => true,
    () => false,
  )
  if (!came) throw new Breach([`${member.name} began no request ${when}, ${Date.now() - since} ms long`])
}

/**
 * A node that is cut off begins no request later than the trust window after its last good beat. Postgres knows that beat, as it
 * set the end of the lease; one that was sent after the cut was not good, as its answer never came, whatever it did there.
 * How long after it the last request came, ms; 0: none after the cut.
 */
async function trustKept(rig: Rig, member: Member, cut: number): Promise<number> {
  const { scale } = rig.setup
  const [row] = await rig.postgres.sql<{ until: string }>(
    `select (extract(epoch from max(lease_until)) * 1000)::text as until from nodes where name = $1`,
    [member.name],
  )
  const beat = Math.min(Number(row?.until) - LEASE / scale, cut)
  const [last] = begun(rig, member, cut)
  const latest = last === undefined ? 0 : Math.round(last - beat)
  if (latest > TRUST / scale + ON_ITS_WAY)
    throw new Breach([`${member.name} began a request ${latest} ms after its last good beat, not ${TRUST / scale}`])
  return latest
}

const SERVERS: readonly Server[] = ['postgres', 'redis', 'service']

/** Each way on each link. */
export const linkFaults = (tell?: Tell): Fault[] =>
  SERVERS.flatMap((server) => FAULTY_WAYS.map((way) => fault(server, way, tell)))

export const LINK_FAULTS: readonly Fault[] = linkFaults()

/** So many of them: of each server in turn, and each time in other ways for six seeds in a row. */
export const someLinks = (seed: number, count: number, tell?: Tell): Fault[] =>
  Array.from({ length: count }, (_, i) => {
    const server = SERVERS[i % SERVERS.length] ?? 'postgres'
    const place = seed + 2 * i + Math.floor(i / SERVERS.length)
    return fault(server, FAULTY_WAYS[place % FAULTY_WAYS.length] ?? 'cut', tell)
  })
