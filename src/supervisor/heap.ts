// How large the JS heap of a thread may grow: a thread that runs away must end before the machine's memory does.
import { totalmem } from 'node:os'

/** Of the memory that this process may use, the part that all threads together may fill with JS objects. */
const SHARE = 3 / 4
/** Below this a thread could not even hold a few tasks of the largest size, MiB. */
const LEAST = 256
/** V8's own limit. Beyond it a thread that runs away would only take longer to end, with the node at a crawl. */
const MOST = 4_096
const MIB = 1024 * 1024

/**
 * The limit of each of so many threads, MiB. A task in hand costs one to three copies of its payload, of 1 or 2 MiB each, so
 * it grows with the machine; V8's own limit for every thread, whatever their number, would let threads that run away bring the
 * kernel's killer upon the whole node.
 */
export const threadHeap = (threads: number, memory = usable()): number =>
  Math.max(LEAST, Math.min(MOST, Math.floor((memory * SHARE) / threads / MIB)))

/** Bytes: the machine's memory, or what a container leaves of it. */
function usable(): number {
  const allowed = process.constrainedMemory() ?? 0
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()
}
