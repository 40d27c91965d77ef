// What a task of a run will be: drawn from the seed and the task's number, so that a referee can be asked in any order.
import { Random } from './random.ts'

/** How a task goes. */
export interface Plan {
  /** Answers 206 before its end. */
  readonly steps: number
  readonly end: 200 | 500
  /** Milliseconds before each answer. */
  readonly pace: number
  /** Whether it takes so long that it is still at work when a frozen node wakes up. */
  readonly slow: boolean
  /** The step that is refused with 503, and how often; steps beyond the last are none. */
  readonly flakyStep: number
  readonly flakes: number
  /** The step whose 206 asks for a wait of a second, which parks the task; -1: none. */
  readonly waitStep: number
  /** Bytes that its payload is padded with. */
  readonly padding: number
}

/** How tasks are drawn. */
export interface Mix {
  readonly maxSteps: number
  readonly maxPace: number
  /** The shares of tasks, 0 to 1, that fail, are refused at some step, wait at some step, or carry a large payload. */
  readonly failing: number
  readonly flaky: number
  readonly waiting: number
  readonly large: number
  /** The share that takes seconds. */
  readonly slow: number
}

export const MIX: Mix = { maxSteps: 5, maxPace: 40, failing: 0.1, flaky: 0.1, waiting: 0.02, large: 0.02, slow: 0.05 }

export type Planner = (task: number) => Plan

/** How long a slow task takes for a step, ms, at full times: longer than the time from a take-over to the waking of a frozen node. */
const SLOW = { least: 1_000, most: 5_000 }

/** Makes the plans of a run. `scale`: how many times faster than in life the protocol's times are. */
export function planner(seed: number, scale: number, mix: Mix = MIX): Planner {
  const root = new Random(seed)
  return (task) => {
    const random = root.fork(task)
    const slow = random.chance(mix.slow)
    const steps = random.within(0, slow ? 1 : mix.maxSteps)
    return {
      steps,
      end: random.chance(mix.failing) ? 500 : 200,
      pace: slow ? random.within(SLOW.least, SLOW.most) / scale : random.within(0, mix.maxPace),
      slow,
      flakyStep: random.chance(mix.flaky) ? random.within(0, steps) : -1,
      flakes: random.within(1, 2),
      waitStep: steps > 0 && random.chance(mix.waiting) ? random.within(0, steps - 1) : -1,
      padding: random.chance(mix.large) ? random.within(10_000, 100_000) : random.within(0, 100),
    }
  }
}

/** The payload of a task as it is posted; no two tasks have the same. */
export const payloadOf = (task: number, { padding }: Plan): string =>
  `{"task":${task},"at":0,"by":0,"pad":"${'x'.repeat(padding)}"}`
