// Direct hand-over: a task that would wait behind nobody is inserted as this node's own claim, and needs neither a list nor a claim.
import type { Reservation, Stored } from '../core/ports.ts'
import { LEVELS } from '../core/task.ts'
import type { ClaimedRow } from '../store/claimed.ts'
import type { Claims, ClaimsDependencies } from './claims.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'

export interface DirectDependencies extends Pick<ClaimsDependencies, 'lanes' | 'queue' | 'running' | 'store'> {
  readonly claims: Claims
}

/** With so many slots taken, or half of them where that is more, a node leaves new tasks to the lists, where other nodes wait. */
const MOST_DIRECT = 200

/** Each must hold. */
const CONDITIONS: readonly ((by: DirectDependencies, lane: Lane) => boolean)[] = [
  (_, lane) => lane.admission === 'all',
  // Nothing waits: the last look from the start found nothing, and no id was heard of since.
  (_, lane) => lane.empty && !lane.more && lane.bells === 0,
  ({ lanes }, lane) => lanes.room(lane.service) > 0,
  ({ lanes, running }) => running.size + running.inFlight.size < mostDirect(lanes),
  // Without Redis other nodes would hear of nothing, so that what waits is not known.
  ({ queue }) => queue.healthy,
  ({ claims }) => claims.open,
  // While rows of a lost insert are looked for, the next insert may have to wait for seconds.
  ({ store }) => !store.looking,
]

const mostDirect = ({ slots }: Lanes): number => Math.max(MOST_DIRECT, slots / 2)

/** Keeps a slot for a task that is about to be inserted here; undefined where it has to wait its turn. */
export function reserve(by: DirectDependencies, service: string): Reservation | undefined {
  const { lanes, claims } = by
  const lane = lanes.of(service)
  if (!lane || !CONDITIONS.every((holds) => holds(by, lane))) return undefined
  const sent = claims.send()
  lanes.reserve(lane, 1)
  return {
    claim: sent,
    finish: (row) => {
      claims.arrived(sent, row ? [firstClaim(row)] : [])
      if (!row) claims.suspect()
      lanes.unreserve(lane, 1)
    },
  }
}

/** A row that was inserted claimed, as a claim would have brought it. */
const firstClaim = ({ id, key, service, action, payload, age }: Stored): ClaimedRow => ({
  id,
  key,
  service,
  action,
  body: payload,
  step: 0,
  attempt: 1,
  fails: 0,
  repeats: 0,
  crashes: 0,
  age,
  deadline: null,
  firstStep: 0,
  retryOf: null,
  level: LEVELS.normal,
  granted: false,
  trace: null,
  failed: false,
  lost: false,
  mark: 0,
})
