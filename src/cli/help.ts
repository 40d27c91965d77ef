// The text of --help.
import { type Command, COMMANDS } from './commands.ts'
import { EXITS } from './exits.ts'
import { OPTIONS } from './options.ts'

/** The help of everything. */
export function help(): string {
  return sections([
    ['Usage', ['task_api COMMAND [WORDS] [OPTIONS]']],
    ['Commands', rows(Object.entries(COMMANDS).map(([name, command]) => [usage(name, command), command.meaning]))],
    ['Options', optionRows(Object.keys(OPTIONS))],
    ['Exit codes', rows(Object.values(EXITS).map(({ code, meaning }) => [String(code), meaning]))],
    ['Examples', [`task_api submit demo count '{"to":5}'`, 'task_api watch 1', 'task_api list --status failed --json']],
  ])
}

/** The help of one command. */
export function helpOf(name: string, command: Command): string {
  return sections([
    ['Usage', [`task_api ${usage(name, command)}`, '', command.meaning]],
    ['Options', optionRows(command.options)],
  ])
}

/** The words of a command, as the help shows them. */
export const usage = (name: string, { words }: Command): string => [name, ...words].join(' ')

function optionRows(names: readonly string[]): string[] {
  const shown = Object.entries<Shown>(OPTIONS).filter(([name]) => names.includes(name))
  return rows(shown.map(([name, option]) => [optionText(name, option), option.meaning]))
}

/** What the help shows of an option. */
interface Shown {
  readonly value?: string
  readonly short?: string
  readonly meaning: string
}

/** An option with what stands for its value, and its short form. */
export function optionText(name: string, { value, short }: Shown): string {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`
  return short === undefined ? long : `${long}, -${short}`
}

function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...pairs.map(([left]) => left.length)) + 2
  return pairs.map(([left, right]) => left.padEnd(width) + right)
}

function sections(list: readonly (readonly [title: string, lines: readonly string[]])[]): string {
  return list
    .map(([title, lines]) => `${title}:\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`)
    .join('\n')
}
