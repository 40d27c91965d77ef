#!/usr/bin/env node
// The package's command: `task_api start` is a node, everything else is the command line.
import { once } from 'node:events'
import { makeLog } from './telemetry/log.ts'
import { readVersion } from './version.ts'

const [command, ...rest] = process.argv.slice(2)

if (command === 'start' && rest.length === 0) await start()
else {
  const { runCli } = await import('./cli/cli.ts')
  // Whoever reads our output may have read enough (`task_api list | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const { stdout, stderr, env } = process
  process.exitCode = await runCli(process.argv.slice(2), { version: readVersion(), stdout, stderr, env })
}

/** Runs a node until a signal ends it. Exit codes: 0 stopped, 1 a part failed, 78 the configuration is faulty. */
async function start(): Promise<void> {
  const { CONFIG_EXIT_CODE, ConfigError, describeFaults } = await import('./config/faults.ts')
  const { readConfig } = await import('./config/read.ts')
  const tell = (text: string): void => void process.stderr.write(text)
  let config
  try {
    config = readConfig({ env: process.env, cwd: process.cwd() })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    tell(describeFaults(error))
    process.exitCode = CONFIG_EXIT_CODE
    return
  }

  const log = makeLog(config.logLevel)
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error) => {
      // Nobody knows what state this process is in; the rows are safe, and another start takes them up.
      log.fatal({ err: error }, 'this node has a defect and ends')
      process.exit(1)
    })

  const { startNode } = await import('./main.ts')
  const { CannotListen } = await import('./api/server.ts')
  const { EmbeddedPostgresFailure } = await import('./embedded/failure.ts')
  const signal = onSignal(log)
  try {
    const node = await startNode(config, { log, version: readVersion(), tell, signal })
    if (!signal.aborted) await once(signal, 'abort')
    await node.stop()
    log.info('stopped')
    process.exit(0)
  } catch (error) {
    if (signal.aborted && error === signal.reason) process.exit(0)
    if (error instanceof EmbeddedPostgresFailure || error instanceof CannotListen) tell(`task_api: ${error.message}\n`)
    else log.fatal({ err: error }, 'this node could not start')
    process.exit(1)
  }
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
function onSignal(log: ReturnType<typeof makeLog>): AbortSignal {
  const stop = new AbortController()
  // npm passes a Ctrl-C on that the terminal has already sent to everybody: under npm the same signal twice at once is one.
  const echo = process.env.npm_lifecycle_event === undefined ? 0 : 250
  let first: { signal: string; at: number } | undefined
  const caught = (signal: NodeJS.Signals): void => {
    const at = performance.now()
    if (!first) {
      first = { signal, at }
      log.info({ signal }, 'stopping')
      stop.abort()
    } else if (signal !== first.signal || at - first.at > echo) {
      log.warn({ signal }, 'stopped at once')
      process.exit(1)
    }
  }
  process.on('SIGTERM', caught)
  process.on('SIGINT', caught)
  return stop.signal
}
