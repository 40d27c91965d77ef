// The command line: a REST caller of a running node, like any other.
import { setTimeout as wait } from 'node:timers/promises'
import { misspelt, nearest } from '../core/suggest.ts'
import { urlOf } from './address.ts'
import { type Command, COMMANDS } from './commands.ts'
import type { Context, RunHere } from './context.ts'
import { CommandError, EXITS, type Exit } from './exits.ts'
import { headersOf } from './headers.ts'
import { help, helpOf, usage } from './help.ts'
import { readAll, readPiped, type Source } from './input.ts'
import { type Arguments, readArguments } from './options.ts'
import { oneLine, visible } from './text.ts'
import { addToken } from './token.ts'

/** What the command line reads and writes. */
export interface Io {
  /** What --version says. */
  readonly version: string
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly columns?: number }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Opens stdin; absent: nothing comes in. */
  readonly stdin?: () => Source
  /** Whether stderr is a terminal, where progress can be shown. */
  readonly terminal?: boolean
  /** Whether something may be piped in on stdin. */
  readonly piped?: boolean
  /** The time limit of one request, and of stdin that no argument asked for, ms. Default: 10 s. */
  readonly timeLimit?: number
  /** The commands that ask no node, by name; absent: they are not possible. */
  readonly here?: Readonly<Record<string, RunHere>>
  /** Waits between two polls of a watched task. */
  readonly wait?: (milliseconds: number) => Promise<void>
}

/** Runs one command, and returns its exit code (see `EXITS`). Throws unexpected errors. */
export async function runCli(argv: string[], io: Io): Promise<number> {
  try {
    return EXITS[await run(readArguments(argv), io)].code
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const json = asksForJson(argv)
    io.stderr.write(errorLine(error, json))
    if (error.exit === 'usage' && !json) io.stderr.write('See task_api --help.\n')
    return EXITS[error.exit].code
  }
}

async function run({ words: [name, ...words], values }: Arguments, io: Io): Promise<Exit> {
  if (values.version !== undefined) return say(io, `${io.version}\n`)
  if (name === undefined && values.help !== undefined) return say(io, help())
  if (name === undefined)
    throw new CommandError('usage', `a command is missing: use one of ${Object.keys(COMMANDS).join(', ')}`)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw unknown(name)
  if (values.help !== undefined) return say(io, helpOf(name, command))
  check(name, command, { words, values })
  if (name === 'help') return say(io, helpFor(words[0]))
  const runHere = io.here?.[name]
  if (runHere !== undefined) {
    const print = (line: string): void => void io.stdout.write(`${visible(line)}\n`)
    const tell = (text: string): void => void io.stderr.write(text)
    return runHere({ json: values.json !== undefined, env: io.env, cwd: process.cwd(), print, tell }, ...words)
  }
  if (command.run === undefined)
    throw new CommandError('usage', `${name} is not possible here: run task_api ${name} by itself`)
  return command.run(contextOf(values, io), ...words)
}

/** Also where the rest of the arguments cannot be read. */
const asksForJson = (argv: readonly string[]): boolean =>
  argv.slice(0, [...argv, '--'].indexOf('--')).includes('--json')

function errorLine({ exit, message, problem }: CommandError, json: boolean): string {
  if (!json) return `task_api: ${message}\n`
  const text = JSON.stringify({ error: exit, exit: EXITS[exit].code, detail: message })
  return `${problem === undefined ? text : `${text.slice(0, -1)},"problem":${oneLine(problem)}}`}\n`
}

function helpFor(name: string | undefined): string {
  if (name === undefined) return help()
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw unknown(name)
  return helpOf(name, command)
}

function say(io: Io, text: string): Exit {
  io.stdout.write(text)
  return 'ok'
}

function unknown(name: string): CommandError {
  const meant = nearest(name, [...Object.keys(COMMANDS), '--version'])
  return new CommandError(
    'usage',
    `there is no command ${name}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
  )
}

function check(name: string, command: Command, { words, values }: Arguments): void {
  const foreign = Object.keys(values).find((option) => !command.options.some((own) => own === option))
  if (foreign !== undefined) throw new CommandError('usage', `${name} has no option --${foreign}`)
  const needed = command.words.filter((word) => !word.startsWith('[')).length
  const most = /\.\.\.\]?$/.test(command.words.at(-1) ?? '') ? Infinity : command.words.length
  if (words.length >= needed && words.length <= most) return
  throw new CommandError(
    'usage',
    `${words.length < needed ? 'too few' : 'too many'} words: task_api ${usage(name, command)}`,
  )
}

function contextOf(values: Arguments['values'], io: Io): Context {
  const { stdin, piped = false, timeLimit = 10_000, env } = io
  const json = values.json !== undefined
  let shown = false
  const tell = (text: string, progress = ''): void => {
    io.stderr.write((shown ? '\r\x1b[K' : '') + text + progress)
    shown = progress !== ''
  }
  const warn = (line: string): void => tell(`${json ? JSON.stringify({ warning: line }) : line}\n`)
  for (const { name, meant } of misspelt(env, ['TASK_API_URL', 'TASK_API_HEADERS', 'TASK_API_KEY']))
    warn(`${name} is not read: did you mean ${meant}?`)
  const keyFile = values['key-file']
  const settled = Boolean(values.url ?? keyFile ?? (env.TASK_API_URL || env.TASK_API_HEADERS || env.TASK_API_KEY))
  return {
    api: {
      url: urlOf(values.url, env.TASK_API_URL),
      timeLimit,
      headers: addToken(headersOf(values.header, env.TASK_API_HEADERS), keyFile, env.TASK_API_KEY, warn),
      settled,
    },
    json,
    values,
    print: (line) => void io.stdout.write(`${line}\n`),
    warn,
    fail: (error) => tell(errorLine(error, json)),
    progress: (line) => {
      if (io.terminal) tell('', line.slice(0, (io.stderr.columns || 80) - 1))
    },
    input: async (most) => (stdin ? readAll(stdin(), most) : Buffer.alloc(0)),
    piped: async () => (piped && stdin ? readPiped(stdin(), timeLimit) : Buffer.alloc(0)),
    wait: io.wait ?? ((milliseconds) => wait(milliseconds)),
  }
}
