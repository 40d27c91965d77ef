// docs/reliability.md: each part of it is printed by the run that measured it, with the command, the seed, the machine and the date.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Figures, Row } from './row.ts'

const FILE = fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url))

/** Replaces a part of the document, the one between `<!-- name -->` and `<!-- /name -->`. */
export function publish(name: string, lines: readonly string[]): void {
  const text = readFileSync(FILE, 'utf8')
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const from = text.indexOf(open)
  const to = text.indexOf(close)
  if (from < 0 || to < from) throw new Error(`docs/reliability.md has no part ${name}`)
  writeFileSync(FILE, `${text.slice(0, from + open.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`)
}

/** The line that says where figures come from. */
export function origin(command: string, seconds: number): string {
  const [cpu] = cpus()
  const machine = `${availableParallelism()} cores (${cpu?.model.trim() ?? '?'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  return `Printed by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, in ${(seconds / 60).toFixed(1)} min, on ${machine}.`
}

/** How a row was run: often at short times, or a few times at full times. */
export type Times = 'counted' | 'full'

/** What a row's runs came to. The docs have two parts for each row, so that one can be measured again without the others. */
export function publishRow({ name, fault, promise }: Row, times: Times, runs: readonly string[], from: string): void {
  const head = times === 'counted' ? [`**${fault}.** Promised: ${promise}.`, ''] : []
  publish(`${name}, ${times}`, [...head, ...runs.map((words) => `- ${words}.`), '', from])
}

/** A table in Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `| ${head.map(() => '---').join(' | ')} |`,
  ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
]

/** Figures in words. */
export const inWords = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? value.toLocaleString('en') : value}`)
    .join('; ')
