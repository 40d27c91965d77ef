// How the programs of Postgres are started: as their account, in their folder, apart from the terminal.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Account } from './account.ts'
import { EmbeddedPostgresFailure } from './failure.ts'

export interface Surroundings {
  readonly cwd: string
  readonly account: Account | undefined
}

/**
 * Starts a program in a session of its own, so that a Ctrl-C for the node does not reach it. Postgres' own variables (PGDATA,
 * PGPORT, ...) are kept from it; LC_ALL keeps macOS from starting a thread in it; TZ saves initdb the search for the zone.
 */
export function launch(
  program: string,
  args: readonly string[],
  at: Surroundings,
  stdio: SpawnOptions['stdio'],
): ChildProcess {
  const windows = Object.entries(process.env).filter(([name]) => !/^PG|^LC_|^TZ$/i.test(name))
  const env =
    process.platform === 'win32' ? Object.fromEntries(windows) : { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
  return spawn(program, args, {
    cwd: at.cwd,
    env: { ...env, LC_ALL: 'C', TZ: 'UTC' },
    // The system takes unsigned ids, spawn only signed ones.
    ...(at.account ? { uid: at.account.uid | 0, gid: at.account.gid | 0 } : {}),
    detached: true,
    windowsHide: true,
    stdio: stdio ?? 'ignore',
  })
}

/** Runs a program to its end. Throws a failure (`not_started`, `no_binaries`) with what it said when it does not end well. */
export async function run(
  program: string,
  args: readonly string[],
  at: Surroundings & { readonly input?: string },
): Promise<void> {
  const child = launch(program, args, at, ['pipe', 'pipe', 'pipe'])
  const ended = new Promise<string>((ends, fails) => {
    child.once('error', (error) => fails(cannotRun(program, error)))
    child.once('close', (code, signal) => ends(code === 0 ? '' : `ended with ${signal ?? code}`))
  })
  // A program that ended early has closed its input; how it ended says more.
  child.stdin?.on('error', () => {})
  child.stdin?.end(at.input ?? '')
  const [how, out, err] = await Promise.all([
    ended,
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ])
  if (how) throw new EmbeddedPostgresFailure('not_started', `${program} ${how}:\n${lastLines(out + err)}`)
}

/** Why a program cannot even be started, as a failure. */
export function cannotRun(program: string, error: Error): EmbeddedPostgresFailure {
  const text = `The embedded Postgres cannot run here (${error.message}): ${program} needs glibc on Linux (not Alpine's musl) and a file system that allows programs. Set DATABASE_URL to a Postgres 14 or newer.`
  return new EmbeddedPostgresFailure('no_binaries', text, error)
}

/** The end of a text: what a person needs of a log. */
export const lastLines = (log: string): string => log.trimEnd().split('\n').slice(-20).join('\n')
