// A process that owns an embedded Postgres, for tests that kill its owner: `node embedded-owner.js <data folder>`.
// It says `ready <url>` or `refused <code> <text>`, ignores Ctrl-C, and ends by itself, without a stop, when its input ends.
import { EmbeddedPostgresFailure } from '../src/failure.ts'
import { EmbeddedPostgres } from '../src/index.ts'

process.on('SIGINT', () => {})
process.stdin.on('end', () => process.exit(0)).resume()

const postgres = new EmbeddedPostgres({ dataDir: process.argv[2] ?? '' })
try {
  await postgres.start()
  process.stdout.write(`ready ${postgres.url}\n`)
} catch (error) {
  if (!(error instanceof EmbeddedPostgresFailure)) throw error
  process.stdout.write(`refused ${error.code} ${error.message}\n`)
  process.exit(1)
}
