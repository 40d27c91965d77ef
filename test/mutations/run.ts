// `npm run test:mutations`: breaks the compiled code piece by piece, and says which test noticed. Ends with 1 when one was not noticed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { origin, publish, table } from '../support/printed.ts'
import { mutated } from './apply.ts'
import { MUTATIONS } from './list.ts'
import type { Mutation } from './mutation.ts'

const DIST = fileURLToPath(new URL('../..', import.meta.url))
const MOCHA = fileURLToPath(new URL('../../../node_modules/mocha/bin/mocha.js', import.meta.url))
/** What is run when the first files notice nothing. */
const REST = ['spec.test.js', '{unit,integration,verbs,nodes}/**/*.test.js']
/** A run may take so long, ms; one that takes longer hangs. */
const LIMIT = 10 * 60_000

const { values } = parseArgs({
  options: { only: { type: 'string' }, list: { type: 'boolean' }, write: { type: 'boolean' } },
})
const command = `npm run test:mutations -- ${process.argv.slice(2).join(' ')}`.replace(/( --)? *$/, '')
const wanted = values.only?.split(',')
const mutations = MUTATIONS.filter(({ name }) => !wanted || wanted.includes(name))
const unknown = wanted?.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name)) ?? []
if (unknown.length > 0) throw new Error(`there are no such mutations: ${unknown.join(', ')}`)
if (values.list) for (const { name, breaks } of mutations) console.log(`${name}: ${breaks}`)
else await runAll()

async function runAll(): Promise<void> {
  const begun = performance.now()
  const rows: string[][] = []
  let caught = 0
  // What fails without any mutation notices nothing.
  const sound = await failing(DIST, [...new Set(mutations.flatMap(({ first }) => first))].map(fileOf))
  if (sound !== undefined) throw new Error(`without a mutation, this fails: ${sound}`)
  for (const mutation of mutations) {
    const since = performance.now()
    const by = await noticed(mutation)
    if (by !== undefined) caught += 1
    const seconds = ((performance.now() - since) / 1_000).toFixed(0)
    rows.push([mutation.name, mutation.breaks, by ?? 'NOT NOTICED', seconds])
    console.log(`${mutation.name}: ${by ?? 'NOT NOTICED'} (${seconds} s)`)
  }
  console.log(`${caught} of ${mutations.length} noticed`)
  if (values.write)
    publish('reliability', 'mutations', [
      origin(command, (performance.now() - begun) / 1_000),
      '',
      ...table(['mutation', 'what it breaks', 'noticed by', 's'], rows),
    ])
  process.exitCode = caught === mutations.length ? 0 : 1
}

function fileOf(test: string): string {
  return `${test}.test.js`
}

/** The first test that fails with a mutation; undefined when none does. */
async function noticed(mutation: Mutation): Promise<string | undefined> {
  const copy = mutated(DIST.replace(/\/$/, ''), mutation)
  try {
    return (await failing(copy, mutation.first.map(fileOf))) ?? (await failing(copy, REST))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

interface Report {
  readonly failures: readonly { readonly fullTitle: string; readonly file: string | null }[]
}

async function failing(copy: string, files: readonly string[]): Promise<string | undefined> {
  const output = join(tmpdir(), `task_api-mutation-${process.pid}.json`)
  const options = [
    '--no-package',
    '--bail',
    '--exit',
    '--timeout',
    '20000',
    '--require',
    `${copy}/test/support/engines.js`,
  ]
  const report = ['--reporter', 'json', '--reporter-option', `output=${output}`]
  rmSync(output, { force: true })
  const paths = files.map((file) => join(copy, 'test', file))
  const mocha = spawn(process.execPath, [MOCHA, ...options, ...report, ...paths], { stdio: 'ignore' })
  const timer = setTimeout(() => mocha.kill('SIGKILL'), LIMIT)
  const [code, signal] = (await once(mocha, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  if (signal !== null) return `${files.join(', ')}: the tests hang`
  if (code === 0) return undefined
  const { failures } = JSON.parse(readFileSync(output, 'utf8')) as Report
  const [failure] = failures
  if (!failure) throw new Error(`the tests could not be run: ${files.join(', ')}`)
  const file = failure.file?.replace(/^.*\/test\//, '').replace(/\.js$/, '') ?? '?'
  return `${file}: ${failure.fullTitle}`
}
