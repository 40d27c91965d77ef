// docs/performance.md: each part of it is printed by the run that measured it, with the command, the machine and the date.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))

/** When and where a run was, in words; `begun`: its `performance.now()` at the start. */
export function machine(begun: number): string {
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1)
  const cores = `${availableParallelism()} cores (${cpus()[0]?.model.trim()})`
  return `${new Date().toISOString().slice(0, 10)}, in ${minutes} min, on ${cores}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}

/** Replaces a part of the document, the one between `<!-- name -->` and `<!-- /name -->`. */
export function publish(name: string, lines: readonly string[]): void {
  const text = readFileSync(FILE, 'utf8')
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(open), text.indexOf(close)]
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no part ${name}`)
  writeFileSync(FILE, `${text.slice(0, from + open.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`)
}
