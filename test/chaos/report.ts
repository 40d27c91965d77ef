// What rows come to, in words and on docs/results/reliability.md.
import { publish } from '../support/printed.ts'
import type { Figures, Row } from './row.ts'

/** How a row was run: often at short times, or a few times at full times. */
export type Times = 'counted' | 'full'

/** What a row's runs came to. The docs have two parts for each row, so that one can be measured again without the others. */
export function publishRow({ name, fault, promise }: Row, times: Times, runs: readonly string[], from: string): void {
  const head = times === 'counted' ? [`**${fault}.** Promised: ${promise}.`, ''] : []
  publish('reliability', `${name}, ${times}`, [...head, ...runs.map((words) => `- ${words}.`), '', from])
}

/** Figures in words. */
export const inWords = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? value.toLocaleString('en') : value}`)
    .join('; ')
