// How the programs of Postgres are started: under their account, in their folder, apart from the terminal.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Account } from './account.ts'
import { EmbeddedPostgresFailure } from './failure.ts'

export interface SpawnOptions {
  readonly cwd: string
  readonly account: Account | undefined
}

/** Starts a program in a session of its own, which a Ctrl-C in the terminal does not reach. */
export function launch(
  program: string,
  args: readonly string[],
  { cwd, account }: SpawnOptions,
  stdio: StdioOptions,
): ChildProcess {
  return spawn(program, args, {
    cwd,
    env: environment(),
    // The system has unsigned ids, `spawn` takes signed ones.
    ...(account ? { uid: account.uid | 0, gid: account.gid | 0 } : {}),
    detached: true,
    windowsHide: true,
    stdio,
  })
}

/** Without our PGDATA, PGPORT and so on, which would change Postgres. */
function environment(): NodeJS.ProcessEnv {
  // LC_ALL keeps macOS from starting a thread in Postgres; TZ spares initdb the search for the time zone.
  const fixed = { LC_ALL: 'C', TZ: 'UTC' }
  if (process.platform !== 'win32') return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...fixed }
  const inherited = Object.entries(process.env).filter(([name]) => !/^PG|^LC_|^TZ$/i.test(name))
  return { ...Object.fromEntries(inherited), ...fixed }
}

/** Runs a program to its end. Throws a failure (`not_started`, `no_binaries`) with the program's output when it does not succeed. */
export async function run(
  program: string,
  args: readonly string[],
  options: SpawnOptions & { readonly input?: string },
): Promise<void> {
  const child = launch(program, args, options, ['pipe', 'pipe', 'pipe'])
  const ended = new Promise<string>((ends, fails) => {
    child.once('error', (error) => fails(cannotRun(program, error)))
    child.once('close', (code, signal) => ends(code === 0 ? '' : `ended with ${signal ?? code}`))
  })
  // A program that ended early has closed its input; its exit code says more than this error.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const [how, out, err] = await Promise.all([
    ended,
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ])
  if (how) throw new EmbeddedPostgresFailure('not_started', `${program} ${how}:\n${lastLines(out + err)}`)
}

/** The failure for a program that the system cannot run. */
export function cannotRun(program: string, error: Error): EmbeddedPostgresFailure {
  const text = `The embedded Postgres cannot run here (${error.message}): ${program} needs glibc on Linux (not Alpine's musl) and a file system that allows programs. Set DATABASE_URL to a Postgres 14 or newer.`
  return new EmbeddedPostgresFailure('no_binaries', text, error)
}

/** The last 20 lines of a log. */
export const lastLines = (log: string): string => log.trimEnd().split('\n').slice(-20).join('\n')
