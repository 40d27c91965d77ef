// A reader of a run: what the API shows of a task must only go forward, and its end must stay.
import { setTimeout as passed } from 'node:timers/promises'
import type { Rig } from './rig.ts'

/** The statuses in the order in which a task has them; a task has one of the last two. */
const RANKS = ['pending', 'running', 'complete', 'failed']
/** Between two reads, ms. */
const EVERY = 20

/** Reads tasks of the ledger again and again until it is told to stop: what is shown must only go forward, and ends stay. */
export async function browse({ callers, ledger, random: root }: Rig, stop: AbortSignal): Promise<void> {
  const random = root.fork('reader')
  const shown = new Map<string, { rank: number; text: string }>()
  while (!stop.aborted) {
    await passed(EVERY)
    const { acknowledged } = ledger
    if (acknowledged.length === 0) continue
    const entry = random.pick(acknowledged)
    const { location = '' } = entry
    const text = await callers.read(location)
    if (text === 404 && entry.deletedAt === undefined && !entry.maybeDeleted && !callers.leaving.has(entry.task))
      ledger.complain(`GET ${location} said 404 of a task that was never deleted`)
    if (typeof text === 'number') continue
    const rank = RANKS.indexOf(/"status":"(\w+)"/.exec(text)?.[1] ?? '')
    const before = shown.get(location)
    if (before && (rank < before.rank || (before.rank > 1 && text !== before.text)))
      ledger.complain(`${location} was shown as ${before.text.slice(-200)} and then as ${text.slice(-200)}`)
    shown.set(location, { rank, text })
  }
}
