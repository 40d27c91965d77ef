// The protocol's models (test/model): the design holds in every state, and each rule that is taken out is missed.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'

type Model = 'protocol' | 'sync' | 'limit'

interface Outcome {
  readonly code: number
  readonly said: string
}

/** What docs/protocol.md says must be caught: which model knows it, and under which name. */
const MUTATIONS: Readonly<Record<string, readonly [Model, string]>> = {
  'id-only guard': ['protocol', 'id-only-guard'],
  'status-only guard': ['protocol', 'status-only-guard'],
  'no token guard': ['sync', 'no-token-guard'],
  'no full pass': ['protocol', 'no-full-pass'],
  'pass from the mark': ['protocol', 'pass-from-mark'],
  'claim pending only': ['protocol', 'claim-pending-only'],
  'no sync': ['protocol', 'no-sync'],
  'retry without asking': ['protocol', 'blind-retry'],
  'naive sync': ['sync', 'naive-sync'],
  'trust back at once': ['sync', 'trust-at-once'],
  'forgotten notice': ['sync', 'forget-notice'],
  'believed notice': ['sync', 'believe-notices'],
  'two actors of one task': ['sync', 'two-actors'],
  'release of a row whose report waits': ['sync', 'release-reports'],
}

/** Rules of a limit over all nodes that its model needs. */
const OF_LIMIT = ['no-lock', 'one-snapshot', 'dead-not-counted', 'cut-not-counted', 'release-before-answer'] as const

const check = (model: Model, ...mutations: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [`test/model/${model}.mjs`, ...mutations], (error, stdout) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout })
    })
  })

/** Runs the checks beside other tests, one at a time; each test waits for its own. */
function checkAll(wanted: readonly (readonly [Model, ...string[]])[]): (name: string) => Promise<Outcome> {
  const outcomes = new Map<string, Promise<Outcome>>()
  let last: Promise<unknown> = Promise.resolve()
  for (const one of wanted) {
    const outcome = last.then(() => check(...one))
    outcomes.set(one.join(' '), outcome)
    last = outcome
  }
  return (name) => outcomes.get(name) ?? expect.fail(`${name} was not checked`)
}

describe('the models of the protocol', function () {
  this.timeout(300_000)
  // Begun when this file is loaded: nothing of them needs an engine, and most tests only wait.
  const outcome = checkAll([
    ['protocol'],
    ['sync'],
    ['limit'],
    ...Object.values(MUTATIONS),
    ...OF_LIMIT.map((mutation) => ['limit', mutation] as const),
  ])

  it('hold in every state: crashes anywhere, lost replies, lost and double ids, leases that run out', async () => {
    const { code, said } = await outcome('protocol')
    expect(said).to.include('the design | 389683 states').and.include('I1 none lost').and.include(': hold')
    expect(code).to.equal(0)
  })

  it('hold in every state: late answers, old snapshots, overtaking cancel notices, leases that come back', async () => {
    const { code, said } = await outcome('sync')
    expect(said).to.include('the design: S1-S8 hold in 72034 states').and.not.include('limit')
    expect(code).to.equal(0)
  })

  it('hold in every state: two nodes grant, release and take over, and tasks are deleted', async () => {
    const { code, said } = await outcome('limit')
    expect(said).to.include('the design | 183304 states').and.include(': holds')
    expect(code).to.equal(0)
  })

  for (const mutation of OF_LIMIT)
    it(`catch in the limit: ${mutation}`, async () => {
      const { code, said } = await outcome(`limit ${mutation}`)
      expect(said).to.include('VIOLATION')
      expect(code).to.equal(1)
    })

  for (const [name, [model, mutation]] of Object.entries(MUTATIONS))
    it(`catch: ${name}`, async () => {
      const { code, said } = await outcome(`${model} ${mutation}`)
      expect(said).to.include('VIOLATION')
      expect(code).to.equal(1)
    })

  it('know every mutation that docs/protocol.md names, and its counts of states', () => {
    const text = readFileSync('docs/protocol.md', 'utf8').replaceAll('\n', ' ')
    const named = /Mutations that every suite must catch: ([^.]+)\./.exec(text)?.[1]?.split(' · ')
    expect(named).to.have.members(Object.keys(MUTATIONS))
    expect(text).to.include('389,683 states').and.include('72,034 states').and.include('183,304 states')
  })
})
