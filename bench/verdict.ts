// What is wanted of the figures, held against what was measured. Ratios are taken round by round, so that what the machine did meets both.
import type { Goal, Scene } from './scene.ts'
import { type Rounds, inDigits, median, ratios, spread, valuesOf } from './table.ts'

const OURS = 'task_api'
/** It keeps nothing, so it is a limit and no peer. */
const LIMIT = 'no-store'

/** The peer whose median is the best, or nobody. */
function best(rounds: Rounds, { figure, least }: Goal): string | undefined {
  const of = (name: string): number => median(valuesOf(rounds, figure, name))
  return [...rounds.keys()]
    .filter((name) => name !== OURS && name !== LIMIT && !Number.isNaN(of(name)))
    .sort((x, y) => (least === undefined ? of(x) - of(y) : of(y) - of(x)))[0]
}

/** A row for each goal of a scene that could be measured: which figure or ratio, what it was, and what is wanted. */
export function verdicts(name: string, { goals }: Scene, rounds: Rounds): string[][] {
  return goals.flatMap((goal) => {
    const { figure, of = OURS, least, most } = goal
    const against = goal.against === 'best' ? best(rounds, goal) : goal.against
    if (goal.against !== undefined && against === undefined) return []
    const measured = against === undefined ? valuesOf(rounds, figure, of) : ratios(rounds, figure, of, against)
    if (measured.length === 0) return []
    const middle = median(measured)
    const met = (least === undefined || middle >= least) && (most === undefined || middle <= most)
    const wanted = least !== undefined ? `≥ ${inDigits(least)}` : most !== undefined ? `≤ ${inDigits(most)}` : '-'
    const whose = against === undefined ? of : `${of} : ${against}`
    return [[`${name}: ${figure}, ${whose}`, spread(measured), `${wanted}${met ? '' : ', **not met**'}`]]
  })
}
