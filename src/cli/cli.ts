// The command line: a REST caller of a running node, like any other.
import { setTimeout as wait } from 'node:timers/promises'
import { nearest } from '../core/suggest.ts'
import { type Command, COMMANDS } from './commands.ts'
import type { Context } from './context.ts'
import { CommandError, EXITS, type Exit } from './exits.ts'
import { help, helpOf, usage } from './help.ts'
import { readAll, readPiped, type Source } from './input.ts'
import { type Arguments, readArguments } from './options.ts'

/** What the command line reads and writes. */
export interface Io {
  /** What --version says. */
  readonly version: string
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Opens stdin; absent: nothing comes in. */
  readonly stdin?: () => Source
  /** Whether something may be piped in on stdin. */
  readonly piped?: boolean
  /** Of one request, and for stdin that nobody asked for, in milliseconds; 10 s when absent. */
  readonly timeLimit?: number
  /** Between two looks at a watched task. */
  readonly wait?: (milliseconds: number) => Promise<void>
}

/** Runs one command, and returns its exit code (the table is `EXITS`). Faults that it does not expect are thrown. */
export async function runCli(argv: string[], io: Io): Promise<number> {
  try {
    return EXITS[await run(readArguments(argv), io)].code
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`task_api: ${error.message}\n`)
    if (error.exit === 'usage') io.stderr.write('task_api --help says more.\n')
    return EXITS[error.exit].code
  }
}

async function run({ words: [name, ...words], values }: Arguments, io: Io): Promise<Exit> {
  if (values.version !== undefined) return say(io, `${io.version}\n`)
  if (name === undefined && values.help !== undefined) return say(io, help())
  if (name === undefined) throw new CommandError('usage', `which command? One of ${Object.keys(COMMANDS).join(', ')}`)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw unknown(name)
  if (values.help !== undefined) return say(io, helpOf(name, command))
  check(name, command, { words, values })
  if (command.run === undefined) throw new CommandError('usage', `${name} stands alone: task_api ${name}`)
  return command.run(contextOf(values, io), ...words)
}

function say(io: Io, text: string): Exit {
  io.stdout.write(text)
  return 'ok'
}

function unknown(name: string): CommandError {
  const meant = nearest(name, Object.keys(COMMANDS))
  return new CommandError(
    'usage',
    `there is no command ${name}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
  )
}

function check(name: string, command: Command, { words, values }: Arguments): void {
  const foreign = Object.keys(values).find((option) => !command.options.some((own) => own === option))
  if (foreign !== undefined) throw new CommandError('usage', `${name} has no option --${foreign}`)
  const needed = command.words.filter((word) => !word.startsWith('[')).length
  if (words.length >= needed && words.length <= command.words.length) return
  throw new CommandError(
    'usage',
    `${words.length < needed ? 'too few' : 'too many'} words: task_api ${usage(name, command)}`,
  )
}

function contextOf(values: Arguments['values'], io: Io): Context {
  const { stdin, piped = false, timeLimit = 10_000 } = io
  return {
    api: { url: urlOf(values.url, io.env.TASK_API_URL), timeLimit },
    json: values.json !== undefined,
    values,
    print: (line) => void io.stdout.write(`${line}\n`),
    warn: (line) => void io.stderr.write(`${line}\n`),
    input: async () => (stdin ? readAll(stdin()) : Buffer.alloc(0)),
    piped: async () => (piped && stdin ? readPiped(stdin(), timeLimit) : Buffer.alloc(0)),
    wait: io.wait ?? ((milliseconds) => wait(milliseconds)),
  }
}

function urlOf(option: string | undefined, variable: string | undefined): string {
  const text = option ?? (variable || 'http://127.0.0.1:3000')
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === ''
  if (plain) return url.href.replace(/\/+$/, '')
  const source = option === undefined ? 'TASK_API_URL' : '--url'
  throw new CommandError(
    'usage',
    `${source} is the API's address, such as http://127.0.0.1:3000, without user, password and query`,
  )
}
