// A row of the table: one kind of fault, how often it is done, and the run that does it and judges what came of it.
import { keepLogs } from './logs.ts'
import type { Rig } from './rig.ts'
import type { Setup } from './setup.ts'
import { Rig as Rigs } from './rig.ts'

/** Figures by their names, in the order in which they are shown. */
export type Figures = Readonly<Record<string, number | string>>

/** One run of a row. */
export interface At {
  readonly seed: number
  /** How many times faster than in life the protocol's times are: 5 in counted runs, 1 in runs at full times. */
  readonly scale: number
  /** How often the fault is done. */
  readonly count: number
  log(text: string): void
}

export interface Row {
  readonly name: string
  /** What is done, in words. */
  readonly fault: string
  /** How often, in the counted run; and in each of the three runs at full times. */
  readonly count: number
  readonly fullCount: number
  /** How many times faster than in life the protocol's times are in the counted run; default 5. */
  readonly scale?: number
  /** Whether what it measures (memory, pace, the times of others) needs the machine for itself at full times too. */
  readonly alone?: boolean
  /** What is promised. */
  readonly promise: string
  /** Does it. Throws `Breach` when a promise was broken. */
  run(at: At): Promise<Figures>
}

/** Promises that were broken. */
export class Breach extends Error {
  readonly breaches: readonly string[]

  constructor(breaches: readonly string[]) {
    super(`promises were broken:\n  ${[...breaches.slice(0, 20), ...breaches.slice(20).slice(-1)].join('\n  ')}`)
    this.name = 'Breach'
    this.breaches = breaches
  }
}

/** Runs `body` in a rig, lets its tasks end (`ms` at most), and judges it; what `body` returns is shown before the judge's figures. */
export async function inRig(setup: Setup, body: (rig: Rig) => Promise<Figures>, ms = 60_000): Promise<Figures> {
  const rig = await Rigs.open(setup)
  const breaches: string[] = []
  let figures: Figures = {}
  try {
    figures = await body(rig)
    const verdict = await rig.judge(ms)
    breaches.push(...verdict.breaches)
    figures = { ...figures, ...verdict.figures }
  } catch (error) {
    breaches.push(
      error instanceof Breach ? error.breaches.join('; ') : String(error instanceof Error ? error.stack : error),
    )
  }
  breaches.push(...(await rig.close()).filter((alarm) => !breaches.includes(alarm)))
  if (breaches.length > 0) throw new Breach([...breaches, `the nodes' logs are in ${await keepLogs(rig)}`])
  return figures
}

/** Posts a second of a run: at full times half of `rate`, as two runs go side by side. */
export const paced = (rate: number, { scale }: Pick<At, 'scale'>): number => (scale === 1 ? rate / 2 : rate)

/** The largest, the median and the smallest of some measurements, rounded, for a figure. */
export function spread(of: readonly number[]): string {
  const sorted = [...of].sort((x, y) => x - y)
  const seconds = (ms: number | undefined): string => ((ms ?? 0) / 1_000).toFixed(1)
  return `${seconds(sorted[Math.floor(sorted.length / 2)])} s (${seconds(sorted[0])}-${seconds(sorted.at(-1))})`
}

/** Throws a `Breach` with those that do not hold. */
export function hold(promises: Readonly<Record<string, boolean>>): void {
  const broken = Object.entries(promises).flatMap(([promise, kept]) => (kept ? [] : [promise]))
  if (broken.length > 0) throw new Breach(broken)
}
