// The plan: what a node listens to, pops and claims next. It is pure: a state in, a decision out.
import type { Admission } from './admission.ts'

/** What a node knows of one service. */
export interface LaneState {
  readonly service: string
  /** Which requests may begin. Where that is not all, nothing is popped or claimed by the plan. */
  readonly admission: Admission
  /** Requests open at once, at most: `concurrency`. */
  readonly limit: number
  /** Tasks running at once, at most: nine tenths of SLOTS. */
  readonly share: number
  /** Requests open now, and those about to be. A loop counts between its steps as well. */
  readonly open: number
  /** Tasks running now: from their claim until their last report is written. */
  readonly running: number
  /** Slots kept for pops, bells, claims and inserts under way. */
  readonly reserved: number
  /** Ids popped that no claim has answered yet; each has a slot reserved. */
  readonly bells: number
  /** Whether rows may wait that no id announces: the last claim brought as many as it asked for. */
  readonly more: boolean
  /** What its list has, as far as this node knows. */
  readonly list: 'unknown' | 'filled' | 'empty'
  /** Whether its list is being asked. */
  readonly popping: boolean
  /** When its list was last asked, ms. */
  readonly poppedAt: number
  /** Whether ids of its list lately announced nothing: then many are popped at once. */
  readonly stale: boolean
  /** Not before this time its list is asked again, ms. */
  readonly popAfter: number
  /** How many bells found no row; their rows may lie behind the mark. */
  readonly missed: number
  /** Not before this time rows behind the mark are looked for, ms. */
  readonly lookAfter: number
  /** When the next row becomes due that waits for its time, ms; Infinity: none is known. */
  readonly dueAt: number
}

export interface NodeState {
  /** Slots that nothing fills or has reserved. */
  readonly free: number
  /** Whether a claim is under way: the next gathers meanwhile. */
  readonly claiming: boolean
  /** Which lane comes first this time. */
  readonly turn: number
}

/** A claim of one service: `count` rows, of which `extra` have no slot reserved yet. */
export interface Ask {
  readonly count: number
  readonly extra: number
  /** From the mark, or from the start. `due`: from the mark, of every level, and with a look at what comes next. */
  readonly from: 'mark' | 'start' | 'due'
}

export interface Plan {
  /** The services whose lists a waiting pop should name. */
  readonly listen: readonly string[]
  /** How many ids to pop at once, by service, and how many slots to reserve for them. */
  readonly pop: ReadonlyMap<string, { readonly count: number; readonly slots: number }>
  readonly claim: ReadonlyMap<string, Ask>
  /** When to plan again though nothing happens, ms; Infinity: never. */
  readonly again: number
}

/** Ids that one pop brings at most. */
const MOST_POPPED = 200
/** Ids that one pop brings at most where they announce nothing. */
const MOST_STALE = 1_000
/** With this part of a lane's limit free its list is asked at once. */
const ENOUGH = 0.1
/** Slots that come free one by one share a question to the list, ms. */
const GATHER_MS = 5

/** No service holds more than this part of the slots: others can always begin. */
const SHARE = 0.9

/** How many tasks of one service a node of so many slots runs at most. */
export const shareOf = (slots: number): number => Math.max(1, Math.floor(slots * SHARE))

/** How many more tasks of a service may be claimed, were all free slots of the node its own. */
export const roomOf = (lane: LaneState, free: number): number =>
  Math.max(0, Math.min(free, lane.limit - lane.open - lane.reserved, lane.share - lane.running - lane.reserved))

/** What to do now. `now` is of `performance.now()`, as are all times of the lanes. */
export function plan(lanes: readonly LaneState[], node: NodeState, now: number): Plan {
  const listen: string[] = []
  const pop = new Map<string, { count: number; slots: number }>()
  const claim = new Map<string, Ask>()
  const wants = new Map<LaneState, { readonly slots: number; readonly for: 'due' | 'more' | 'missed' | 'pop' }>()
  let again = Infinity
  const later = (at: number): void => void (again = Math.min(again, at))

  const turn = lanes.length > 0 ? node.turn % lanes.length : 0
  for (const lane of [...lanes.slice(turn), ...lanes.slice(0, turn)]) {
    if (lane.admission !== 'all') continue
    const room = roomOf(lane, node.free)
    if (lane.bells > 0 && !node.claiming) claim.set(lane.service, { count: lane.bells, extra: 0, from: 'mark' })
    if (room < 1) continue
    if (now >= lane.dueAt) {
      if (!node.claiming) wants.set(lane, { slots: room, for: 'due' })
    } else if (lane.more) {
      if (!node.claiming) wants.set(lane, { slots: room, for: 'more' })
    } else if (lane.missed > 0 && now >= lane.lookAfter) {
      if (!node.claiming) wants.set(lane, { slots: Math.min(room, lane.missed), for: 'missed' })
    } else if (lane.list === 'empty') {
      listen.push(lane.service)
    } else if (!lane.popping) {
      const gathered = room >= lane.limit * ENOUGH ? lane.popAfter : Math.max(lane.popAfter, lane.poppedAt + GATHER_MS)
      if (now >= gathered) wants.set(lane, { slots: Math.min(room, MOST_POPPED), for: 'pop' })
      else later(gathered)
    }
    if (lane.missed > 0 && now < lane.lookAfter) later(lane.lookAfter)
    if (now < lane.dueAt) later(lane.dueAt)
  }

  for (const [lane, slots] of dealt(wants, node.free)) {
    const { service, bells, stale } = lane
    switch (wants.get(lane)?.for) {
      case 'pop':
        pop.set(service, { count: stale ? MOST_STALE : slots, slots })
        break
      case 'due':
        claim.set(service, { count: bells + slots, extra: slots, from: 'due' })
        break
      case 'more':
        claim.set(service, { count: bells + slots, extra: slots, from: 'mark' })
        break
      default:
        claim.set(service, { count: bells + slots, extra: slots, from: 'start' })
    }
  }
  return { listen, pop, claim, again }
}

/** Deals free slots out in turns, so that each lane gets one before any gets two. */
function dealt<Key>(wants: ReadonlyMap<Key, { readonly slots: number }>, free: number): Map<Key, number> {
  const given = new Map<Key, number>()
  let left = free
  for (let open = [...wants.keys()]; left > 0 && open.length > 0;) {
    const each = Math.max(1, Math.floor(left / open.length))
    const still: Key[] = []
    for (const key of open) {
      const had = given.get(key) ?? 0
      const want = wants.get(key)?.slots ?? 0
      const more = Math.min(each, want - had, left)
      if (more < 1) continue
      given.set(key, had + more)
      left -= more
      if (had + more < want) still.push(key)
    }
    open = still
  }
  return given
}
