// What a lane knows once its claim was answered.
import type { Ask } from '../core/plan.ts'
import { type ClaimedRow, EVERY_LEVEL, FROM_START } from '../store/claimed.ts'
import type { Wanted } from '../store/claims.ts'
import type { Lane } from './lanes.ts'

/** Between two looks behind the mark of one lane, ms; and how many times its length a look is followed by none. */
const LOOK = { pause: 50, times: 20 }
/** After ids that announced nothing the list is left alone for so long, ms; longer each time. */
const STALE_PAUSE = { first: 20, most: 200 }
/** Of so many tasks that begin one may be of a lower level. */
const TURN = 10

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
  const levels = from === 'start' ? EVERY_LEVEL : lane.levels
  const several = (lane.levels & (lane.levels - 1)) > 0
  const turns = several ? Math.floor((lane.begun + count) / TURN) : 0
  return { count, marks: from === 'start' ? FROM_START : lane.marks, levels, turns, logged: lane.logged }
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
  for (const { level } of rows) lane.levels |= 1 << level
  lane.begun = (lane.begun + rows.length) % TURN
  if (!short) {
    // Ids beyond the slots were popped, or rows lie behind the mark.
    if (lane.stale || claim.full || claim.from === 'start') lane.more = true
    lane.stale = false
    lane.misses = 0
    return
  }
  // All that was due when the claim was sent is taken: ids that were pushed before announce nothing new.
  if (lane.more) lane.list = 'unknown'
  lane.stale = lane.more || rows.length === 0
  lane.more = false
  if (claim.from === 'mark') lane.missed = Math.max(1, claim.bells - rows.length)
  else if (lane.heard === claim.heard) lane.empty = true
  lane.misses = rows.length === 0 ? lane.misses + 1 : 0
  if (lane.misses > 1 && lane.list === 'filled')
    lane.popAfter = now + Math.min(STALE_PAUSE.most, STALE_PAUSE.first * 2 ** (lane.misses / 4))
}
