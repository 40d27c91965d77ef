// Figures on the pages of docs/results/: each part of a page is printed by the run that measured it, with the command, the machine and the date.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A page that has such parts. */
export type Page = 'reliability' | 'performance' | 'scale'

/** Replaces a part of a page, the one between `<!-- name -->` and `<!-- /name -->`. Throws when the page has none of this name. */
export function publish(page: Page, name: string, lines: readonly string[]): void {
  const file = fileURLToPath(new URL(`../../../docs/results/${page}.md`, import.meta.url))
  const text = readFileSync(file, 'utf8')
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(open), text.indexOf(close)]
  if (from < 0 || to < from) throw new Error(`docs/results/${page}.md has no part ${name}`)
  writeFileSync(file, `${text.slice(0, from + open.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`)
}

/** The sentence that says where figures come from. */
export function origin(command: string, seconds: number): string {
  const [cpu] = cpus()
  const machine = `${availableParallelism()} cores (${cpu?.model.trim() ?? '?'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  return `Printed by \`${command}\` on ${new Date().toISOString().slice(0, 10)}, in ${(seconds / 60).toFixed(1)} min, on ${machine}.`
}

/** A table in Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `| ${head.map(() => '---').join(' | ')} |`,
  ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
]
