// Medians with their least and most, ratios round by round, and tables of them in Markdown.
import { table } from '../test/support/printed.ts'

/** Figures of one run, by name. */
export type Figures = Readonly<Record<string, number>>

/** A number in the digits that mean something. */
export function inDigits(value: number): string {
  if (Number.isNaN(value)) return '-'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** The value below which this share of the numbers lies. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((x, y) => x - y)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Median (least-most). */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '-'
  if (values.length === 1) return inDigits(values[0] ?? NaN)
  return `${inDigits(median(values))} (${inDigits(Math.min(...values))}-${inDigits(Math.max(...values))})`
}

/** Rounds of a scene: by contender, the figures of each round; undefined where a run was void. */
export type Rounds = ReadonlyMap<string, readonly (Figures | undefined)[]>

/** A figure of one contender, in each round that it has. */
export const valuesOf = (rounds: Rounds, figure: string, name: string): number[] =>
  (rounds.get(name) ?? []).flatMap((run) => (run?.[figure] === undefined ? [] : [run[figure]]))

/** A figure of one contender over that of another, in each round that both have. */
export function ratios(rounds: Rounds, figure: string, name: string, other: string): number[] {
  const [ours = [], theirs = []] = [rounds.get(name), rounds.get(other)]
  return ours.flatMap((one, i) => {
    const [value, base] = [one?.[figure], theirs[i]?.[figure]]
    return value === undefined || base === undefined ? [] : [value / base]
  })
}

/** The figures of a scene, a row for each contender. */
export function figuresTable(rounds: Rounds): string[] {
  const all = [...rounds].map(([name, runs]) => [name, runs.filter((run) => run !== undefined)] as const)
  const figures = [...new Set(all.flatMap(([, runs]) => runs.flatMap((run) => Object.keys(run))))]
  return table(
    ['', ...figures],
    all.map(([name, runs]) => [
      name,
      ...figures.map((figure) => spread(runs.flatMap((run) => (run[figure] === undefined ? [] : [run[figure]])))),
    ]),
  )
}
