// The short run of the row `limits`: some seconds of limited, paused and resumed services under faults, in a process of its own.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { CHAOS_LIMITS = '4' } = process.env
const HOW = ['--rows', 'limits', '--times', 'counted', '--count', CHAOS_LIMITS, '--seed', '1']
/** ms */
const LIMIT = 300_000
/** Lines of a run that has failed. */
const MOST_LINES = 60

describe('limited services while nodes, Redis and Postgres fail', () => {
  it(`get no more requests than is granted, and none while they are paused (CHAOS_LIMITS=${CHAOS_LIMITS})`, (done) => {
    const run = fileURLToPath(new URL('run.js', import.meta.url))
    execFile(process.execPath, [run, ...HOW], { timeout: LIMIT - 10_000 }, (error, stdout) => {
      done(error && new Error(stdout.split('\n').slice(-MOST_LINES).join('\n')))
    })
  }).timeout(LIMIT)
})
