// The short run of the mix: a third of a minute of all faults on three nodes, in a process of its own, as by `npm run test:chaos`.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// A seed whose time meets as many kinds of faults as it can.
const { CHAOS_SEED = '34' } = process.env
const HOW = ['--minutes', '0.3', '--scale', '5', '--seed', CHAOS_SEED]
/** ms */
const LIMIT = 300_000
/** Lines of a run that has failed. */
const MOST_LINES = 60

describe('three nodes under all faults', () => {
  it(`lose nothing and keep every promise (CHAOS_SEED=${CHAOS_SEED})`, (done) => {
    const run = fileURLToPath(new URL('run.js', import.meta.url))
    // Callers, referee and proxies share its thread: nothing else is to be there.
    execFile(process.execPath, [run, ...HOW], { timeout: LIMIT - 10_000 }, (error, stdout) => {
      // What was broken stands at the end.
      done(error && new Error(stdout.split('\n').slice(-MOST_LINES).join('\n')))
    })
  }).timeout(LIMIT)
})
