// What is promised of the figures, held against what was measured: ratios round by round, so that what the machine did meets both.
import type { Goal, Scene } from './scene.ts'
import { type Rounds, inDigits, median, ratios, spread } from './table.ts'

const OURS = 'task_api'
/** It keeps nothing, so it is a limit and no peer. */
const LIMIT = 'no-store'

/** The peer whose median is the best, or nobody. */
function best(rounds: Rounds, { figure, least }: Goal): string | undefined {
  const of = (name: string): number =>
    median((rounds.get(name) ?? []).flatMap((run) => (run?.[figure] === undefined ? [] : [run[figure]])))
  return [...rounds.keys()]
    .filter((name) => name !== OURS && name !== LIMIT && !Number.isNaN(of(name)))
    .sort((x, y) => (least === undefined ? of(x) - of(y) : of(y) - of(x)))[0]
}

/** A row for each goal that could be measured: which ratio, what it was, and what is wanted. */
export function verdicts(scenes: Readonly<Record<string, Scene>>, done: ReadonlyMap<string, Rounds>): string[][] {
  return [...done].flatMap(([name, rounds]) =>
    (scenes[name]?.goals ?? []).flatMap((goal) => {
      const { figure, of = OURS, least, most } = goal
      const against = goal.against === 'best' ? best(rounds, goal) : goal.against
      const measured = against === undefined ? [] : ratios(rounds, figure, of, against)
      if (measured.length === 0) return []
      const middle = median(measured)
      const met = (least === undefined || middle >= least) && (most === undefined || middle <= most)
      const wanted = least !== undefined ? `≥ ${inDigits(least)}` : most !== undefined ? `≤ ${inDigits(most)}` : '-'
      return [[`${name}: ${figure}, ${of} : ${against}`, spread(measured), `${wanted}${met ? '' : ', **not met**'}`]]
    }),
  )
}
