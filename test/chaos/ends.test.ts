// The short run of the row `ends`: some seconds of tasks that end while nodes are killed, in a process of its own.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Ten ways to end, six tasks each on average; `npm run test:chaos -- --rows ends` has 2,000 tasks. */
const HOW = ['--rows', 'ends', '--times', 'counted', '--count', '60', '--seed', '1']
/** ms */
const LIMIT = 240_000
/** Lines of a run that has failed. */
const MOST_LINES = 60

describe('tasks that end while nodes are killed', () => {
  it('have one callback each, and none when they are deleted', (done) => {
    const run = fileURLToPath(new URL('run.js', import.meta.url))
    execFile(process.execPath, [run, ...HOW], { timeout: LIMIT - 10_000 }, (error, stdout) => {
      done(error && new Error(stdout.split('\n').slice(-MOST_LINES).join('\n')))
    })
  }).timeout(LIMIT)
})
