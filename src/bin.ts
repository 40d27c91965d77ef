// The program behind the command (src/task_api.mjs): `task_api start` is a node, everything else is the command line.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import type { Here } from './cli/context.ts'
import type { Exit } from './cli/exits.ts'
import { readVersion } from './version.ts'

/**
 * Flags of V8 that keep the heaps small, and young objects out of the old generation. `npm start` passes two of them to Node as well, for
 * this thread's young objects (docs/operations.md).
 */
const HEAP_FLAGS = ['--no-allocation-site-pretenuring', '--heap-growing-percent=100', '--max-semi-space-size=8']
/** How often a node that npm has started checks whether npm still runs. */
const PARENT_CHECK_INTERVAL_MS = 250

const [command, ...rest] = process.argv.slice(2)

if (command === 'start' && rest.length === 0) await start()
else {
  const { runCli } = await import('./cli/cli.ts')
  const { isPiped } = await import('./cli/input.ts')
  // The reader of the output may close the pipe early (`task_api list | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const { stdout, stderr, env } = process
  const io = {
    version: readVersion(),
    stdout,
    stderr,
    env,
    stdin: () => process.stdin,
    piped: isPiped(),
    terminal: stderr.isTTY,
    here: { doctor, config },
  }
  process.exitCode = await runCli(process.argv.slice(2), io)
  // A host may still be looked up, which nothing else ends.
  if (command === 'doctor') stdout.write('', () => process.exit())
}

/** Makes all checks, and prints what they find. */
async function doctor(here: Here): Promise<Exit> {
  const { foreignTo } = await import('./config/foreign.ts')
  const env = { ...process.env }
  // Before the client of Postgres is loaded, as at a start.
  for (const name of foreignTo(process.env, !env.DATABASE_URL)) delete process.env[name]
  return (await import('./doctor/doctor.ts')).doctor({ ...here, env })
}

async function config(here: Here, ...words: string[]): Promise<Exit> {
  return (await import('./doctor/config.ts')).config(here, ...words)
}

/** Runs a node until a signal ends it. Exit codes: 0 stopped, 1 a part failed, 78 the configuration is faulty. */
async function start(): Promise<void> {
  // First of all, because the first process of a container ignores a signal without a listener.
  let say: Say = () => {}
  const signal = onSignal((...said) => say(...said))
  for (const flag of HEAP_FLAGS) setFlagsFromString(flag)
  const { makeLog } = await import('./telemetry/log.ts')
  const { openSink } = await import('./telemetry/sink.ts')
  const { CONFIG_EXIT_CODE, ConfigError, describeFaults } = await import('./config/faults.ts')
  const { foreignTo } = await import('./config/foreign.ts')
  const { readConfig } = await import('./config/read.ts')
  const { misspeltSettings } = await import('./config/settings.ts')
  const hints = openSink(2)
  const tell = (text: string): void => hints.write(text)
  // Other code writes there too, for example Node its warnings. A failed write must not end the node.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  // As it is now: some variables are deleted below, and the services file may name them when it is read again.
  const env = { ...process.env }
  let config
  try {
    config = readConfig({ env, cwd: process.cwd() })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    tell(describeFaults(error))
    process.exitCode = CONFIG_EXIT_CODE
    return
  }

  const identity = { node: randomUUID() }
  const log = makeLog(config.logLevel, identity)
  say = (event, name) => log.event(event, { signal: name })
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error) => {
      // The state of this process is unknown. The rows are safe, and the next start continues with them.
      log.event('node_crashed', { err: error })
      process.exit(1)
    })

  for (const { name, meant } of misspeltSettings(process.env)) log.event('setting_misspelt', { variable: name, meant })

  // Before the client of Postgres is loaded, because it reads some of these variables when it is loaded.
  for (const name of foreignTo(process.env, config.databaseUrl === undefined)) delete process.env[name]
  const { startNode } = await import('./main.ts')
  const { CannotListen } = await import('./api/server.ts')
  const { EmbeddedPostgresFailure } = await import('../packages/embedded-postgres/src/index.ts')
  try {
    const node = await startNode(config, { log, identity, version: readVersion(), env, tell, signal })
    if (!signal.aborted) await once(signal, 'abort')
    await node.stop()
    log.event('stopped')
    process.exit(0)
  } catch (error) {
    if (signal.aborted && error === signal.reason) {
      log.event('stopped')
      process.exit(0)
    }
    if (error instanceof EmbeddedPostgresFailure || error instanceof CannotListen) tell(`task_api: ${error.message}\n`)
    else log.event('start_failed', { err: error })
    process.exit(1)
  }
}

type Say = (event: 'stopping' | 'stopped_at_once', signal: string) => void

/** Aborts at the first signal; a second SIGTERM or SIGINT ends the process at once. `say` is called for each. */
function onSignal(say: Say): AbortSignal {
  const stop = new AbortController()
  const underNpm = process.env.npm_lifecycle_event !== undefined
  // The terminal sends a Ctrl-C to the node, and npm passes it on as well: under npm the same signal within 250 ms counts once.
  const echo = underNpm ? 250 : 0
  let first: { signal: string; at: number } | undefined
  const begin = (signal: string): void => {
    if (stop.signal.aborted) return
    say('stopping', signal)
    stop.abort()
  }
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      const at = performance.now()
      if (first && (signal !== first.signal || at - first.at > echo)) {
        say('stopped_at_once', signal)
        process.exit(1)
      }
      first ??= { signal, at }
      begin(signal)
    })
  // A closed terminal may send SIGHUP more than once, or right after a SIGTERM, so a SIGHUP never counts as the second signal.
  process.on('SIGHUP', begin)
  // npm ends on a SIGHUP, and the shell of `npx` on a SIGTERM. Neither passes the signal on to the node.
  if (underNpm) {
    const starters = readStarters()
    setInterval(() => readStarters() === starters || begin('npm has ended'), PARENT_CHECK_INTERVAL_MS).unref()
  }
  return stop.signal
}

/** The id of the parent process. Of a shell also the id of its own parent, because the shell does not end with its parent. */
function readStarters(): string {
  const parent = process.ppid
  try {
    const [, name = '', grandparent] = /\((.*)\) \S+ (\d+)/s.exec(readFileSync(`/proc/${parent}/stat`, 'utf8')) ?? []
    return name.endsWith('sh') ? `${parent} ${grandparent}` : `${parent}`
  } catch {
    // Only Linux has /proc. On other systems the usual shells replace themselves with the command.
    return `${parent}`
  }
}
