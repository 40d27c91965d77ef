// Where this process dies: at a point on the way of a task, after it has passed it a number of times.
import type { Point } from '../points.ts'

const [point = '', left = '1'] = (process.env.CHAOS_DIE ?? '').split(':')
let rest = Number(left)

/** Whether it is to die at all. */
export const isDoomed = point !== ''

/** Passes a point; the process may end here. */
export function pass(at: Point): void {
  if (at !== point || --rest > 0) return
  process.kill(process.pid, 'SIGKILL')
  // The signal is under way: nothing may happen meanwhile.
  for (;;);
}
