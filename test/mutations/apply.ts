// Applies a mutation to a copy of the compiled tree.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Edit, Mutation } from './mutation.ts'

/** The text of a compiled file with an edit made. Throws when the piece is not there exactly once. */
export function edited(text: string, { file, from, to }: Edit): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${file} has this ${parts.length - 1} times, not once:\n${from}`)
  return parts.join(to)
}

/** Makes a copy of `dist` beside it, with the mutation in it; its folder. The copy shares all other files with the original. */
export function mutated(dist: string, { edits }: Mutation): string {
  const copy = `${dist}-mutant-${process.pid}`
  rmSync(copy, { recursive: true, force: true })
  execFileSync('cp', ['-al', dist, copy])
  for (const edit of edits) {
    const path = join(copy, 'src', edit.file)
    const text = edited(readFileSync(path, 'utf8'), edit)
    // Not over the old file, which is the original's too.
    rmSync(path)
    writeFileSync(path, text)
  }
  return copy
}
