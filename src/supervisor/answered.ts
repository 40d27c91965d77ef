// What a lane knows once its claim was answered.
import type { Ask } from '../core/plan.ts'
import { type ClaimedRow, EVERY_LEVEL, FROM_START } from '../store/claimed.ts'
import { TURN } from '../store/claim-routine.ts'
import type { Seen, Wanted } from '../store/claims.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'

/** Between two looks behind the mark of one lane, ms; and how many times its length a look is followed by none. */
const LOOK = { pause: 50, times: 20 }
/** After ids that announced nothing the list is left alone for so long, ms; longer each time. */
const STALE_PAUSE = { first: 20, most: 200 }

export const ofLane = (rows: readonly ClaimedRow[], lane: Lane): ClaimedRow[] =>
  rows.filter(({ service }) => service === lane.service)

/** Where the next claim of each level begins, after these rows. What was taken over says nothing of the order. */
export function marksOf(rows: readonly ClaimedRow[], before: readonly number[]): readonly number[] {
  const marks = [...before]
  for (const { lost, level, mark } of rows) if (!lost) marks[level] = Math.max(marks[level] ?? 0, mark)
  return marks
}

/** What to claim of a lane. Where several levels wait, every tenth task that begins may be one of a lower level. */
export function wantedOf(lane: Lane, count: number, from: Ask['from']): Wanted {
  const several = (lane.levels & (lane.levels - 1)) > 0
  return {
    count,
    marks: from === 'start' ? FROM_START : lane.marks,
    levels: from === 'mark' ? lane.levels : EVERY_LEVEL,
    begun: several ? lane.begun : undefined,
    logged: lane.logged,
  }
}

/** Counts tasks that begin, for the turns of lower levels. */
export function began(lane: Lane, rows: readonly ClaimedRow[]): void {
  lane.begun = (lane.begun + rows.length) % TURN
}

/** What lanes know after a look. A time that was known already stays: what was created meanwhile may not have been seen. */
export function looked(lanes: Lanes, seen: readonly Seen[]): void {
  const now = performance.now()
  for (const { service, levels, next } of seen) {
    const lane = lanes.of(service)
    if (!lane) continue
    if (next !== null) lane.dueAt = Math.min(lane.dueAt, now + next)
    if (levels === 0) continue
    lane.levels = levels
    // A lane that had no room was not asked, and what is due there comes before what is submitted now.
    lane.empty = false
  }
}

interface Answer extends Ask {
  /** Of the lane when the claim was sent. */
  readonly marks: readonly number[]
  readonly bells: number
  readonly heard: number
  /** Whether rows may have been left for want of bytes. */
  readonly full: boolean
  /** How long the claim took, ms. */
  readonly took: number
}

/** What a lane knows after its claim was answered. */
export function answered(lane: Lane, claim: Answer, rows: readonly ClaimedRow[]): void {
  const now = performance.now()
  if (claim.from === 'start') lane.lookAfter = now + Math.max(LOOK.pause, claim.took * LOOK.times)
  const short = rows.length < claim.count && !claim.full
  if (claim.from === 'start' && !short) lane.marks = marksOf(rows, FROM_START)
  // Unless a pass has set it anew meanwhile.
  else if (lane.marks === claim.marks) lane.marks = marksOf(rows, lane.marks)
  began(lane, rows)
  for (const { level } of rows) lane.levels |= 1 << level
  if (!short) {
    // Ids beyond the slots were popped, or rows wait that no id announces.
    if (lane.stale || claim.full || claim.from !== 'mark') lane.more = true
    lane.stale = false
    lane.misses = 0
    return
  }
  // All that was due when the claim was sent is taken: ids that were pushed before announce nothing new.
  if (lane.more) lane.list = 'unknown'
  lane.stale = lane.more || rows.length === 0
  lane.more = false
  if (claim.from === 'mark') lane.missed = Math.max(1, claim.bells - rows.length)
  else if (claim.from === 'due') lane.missed = Math.max(lane.missed, claim.bells - rows.length)
  else if (lane.heard === claim.heard) lane.empty = true
  lane.misses = rows.length === 0 ? lane.misses + 1 : 0
  if (lane.misses > 1 && lane.list === 'filled')
    lane.popAfter = now + Math.min(STALE_PAUSE.most, STALE_PAUSE.first * 2 ** (lane.misses / 4))
}
