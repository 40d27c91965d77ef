// Why a task is not running: the reasons that follow from what its row and the nodes say.
import { expect } from 'chai'
import type { Limit } from '../../../src/core/limit.ts'
import { explain, type Facts, type NodeLoad, REASONS, type StateFacts } from '../../../src/core/explain.ts'

const idle: NodeLoad = { name: 'a:1', slots: 100, running: 0, use: null }
const use = (running: number, open: number, limit = 1_000): NodeLoad['use'] => ({ running, open, limit })
const WAITING: Facts = {
  status: 'pending',
  service: 'svc',
  step: 0,
  attempt: 0,
  fails: 0,
  error: null,
  held: false,
  node: null,
  early: false,
  runAt: '2026-12-24T18:00:00.000Z',
  startedAt: null,
  finishedAt: null,
  before: 0,
  nodes: [idle],
  state: null,
  granted: [],
}
const HELD: Partial<Facts> = { status: 'running', held: true, node: 'a:1', step: 3, attempt: 2, startedAt: '2026-12-24T17:00:00.000Z' } // prettier-ignore
const FAILED: Partial<Facts> = { status: 'running', early: true, fails: 2, attempt: 2, error: { code: 'timeout', detail: 'The service did not answer in time.' } } // prettier-ignore
const full: NodeLoad = { ...idle, running: 40, use: use(30, 10, 10) }

const NONE: StateFacts = { pausedAt: null, pausedBy: null, reason: null, gatedUntil: null, gatedBy: null, opening: false, limit: null, paidUntil: null, paidFor: null } // prettier-ignore
const state = (more: Partial<StateFacts>): Partial<Facts> => ({ state: { ...NONE, ...more } })
const AT = '2026-12-24T18:00:10.000Z'
const PAUSED = { pausedAt: AT, pausedBy: 'api', reason: 'the bank is away' } as const
const GATED = { gatedUntil: AT, gatedBy: '429 with Retry-After: 10' } as const
const OPEN: Partial<Facts> = { granted: [{ name: 'a:1', count: 2 }, { name: null, count: 1 }] } // prettier-ignore
const RATE = { limit: { rate: '10/s', burst: 5 } } as const

interface Case {
  readonly facts: Partial<Facts>
  readonly codes: readonly string[]
  /** What the detail of the last reason says. */
  readonly says?: RegExp
  readonly until?: string
  /** The limit of the file. */
  readonly limit?: Limit
}

const CASES: Readonly<Record<string, Case>> = {
  'nothing stands in its way': { facts: {}, codes: ['due'] },
  'it is early': { facts: { early: true }, codes: ['delayed'], until: WAITING.runAt },
  'a try has failed': { facts: FAILED, codes: ['waiting_for_retry'], says: /Try 2 failed: The service did not answer in time/, until: WAITING.runAt }, // prettier-ignore
  'it waits as an answer 206 wanted': { facts: { ...FAILED, fails: 0 }, codes: ['delayed'], until: WAITING.runAt },
  'others come first': { facts: { before: 7 }, codes: ['behind_others'], says: /About 7 / },
  'very many come first': { facts: { before: 1_000 }, codes: ['behind_others'], says: /1000/ },
  'no node knows its service': { facts: { nodes: [] }, codes: ['no_node'], says: /svc/ },
  'no node knows it, and it is early': { facts: { nodes: [], early: true }, codes: ['no_node', 'delayed'] },
  'its requests are as many as may be': { facts: { nodes: [full] }, codes: ['service_full'], says: /^a:1: 10 of 10 requests open\.$/ }, // prettier-ignore
  'all slots are taken': { facts: { nodes: [{ ...idle, running: 100 }] }, codes: ['service_full'], says: /100 of 100 slots/ }, // prettier-ignore
  'its share of the slots is taken': { facts: { nodes: [{ ...idle, running: 91, use: use(90, 90) }] }, codes: ['service_full'], says: /90 of the 90 slots/ }, // prettier-ignore
  'its share lacks one': { facts: { nodes: [{ ...idle, running: 95, use: use(89, 89) }] }, codes: ['due'] },
  'the share of one slot is that slot': { facts: { nodes: [{ ...idle, slots: 1, use: use(1, 1) }] }, codes: ['service_full'] }, // prettier-ignore
  'all nodes are full, each in its way': { facts: { nodes: [full, { ...idle, name: 'b:2', running: 100 }] }, codes: ['service_full'], says: /^a:1: .*; b:2: .*\.$/ }, // prettier-ignore
  'one of two nodes has room': { facts: { nodes: [full, { ...idle, name: 'b:2' }] }, codes: ['due'] },
  'a node has not told of itself': { facts: { nodes: [{ ...idle, slots: null, running: null }] }, codes: ['due'] },
  'others come first, and all is full': { facts: { before: 3, nodes: [full] }, codes: ['behind_others', 'service_full'] }, // prettier-ignore
  'its service is paused': { facts: state(PAUSED), codes: ['paused'], says: /^Paused by api since .*10\.000Z: the bank is away$/ }, // prettier-ignore
  'its service is paused without a reason': { facts: state({ ...PAUSED, reason: null }), codes: ['paused'], says: /000Z\.$/ }, // prettier-ignore
  'its service is paused, and it is early': { facts: { ...state(PAUSED), early: true }, codes: ['paused', 'delayed'] },
  'an answer has stopped its service': { facts: state(GATED), codes: ['gated'], says: /: 429 with Retry-After: 10\.$/, until: AT }, // prettier-ignore
  'one request goes alone': { facts: state({ ...GATED, opening: true }), codes: ['gated'], says: /One request goes alone/ }, // prettier-ignore
  'all that the limit allows is open': { facts: { ...OPEN, ...state({ limit: { concurrency: 3 } }) }, codes: ['service_full'], says: /^3 of 3 requests open over all nodes \(a:1: 2, a node without a name: 1\)\.$/ }, // prettier-ignore
  'all that the limit of the file allows is open': { facts: OPEN, limit: { concurrency: 2 }, codes: ['service_full'] },
  'the limit that was set allows more than the file': { facts: { ...OPEN, ...state({ limit: { concurrency: 4 } }) }, limit: { concurrency: 2 }, codes: ['due'] }, // prettier-ignore
  'the rate is used up': { facts: state({ ...RATE, paidUntil: AT, paidFor: 401 }), codes: ['rate_limited'], says: /10\/s/, until: '2026-12-24T18:00:09.600Z' }, // prettier-ignore
  'the rate of the file is used up': { facts: state({ paidUntil: AT, paidFor: 901 }), limit: { rate: '10/s' }, codes: ['rate_limited'], until: '2026-12-24T18:00:09.100Z' }, // prettier-ignore
  'a slower rate was used up': { facts: state({ ...RATE, paidUntil: AT, paidFor: 3_600_000 }), codes: ['rate_limited'], until: '2026-12-24T17:00:10.100Z' }, // prettier-ignore
  'the rate allows one more': { facts: state({ ...RATE, paidUntil: AT, paidFor: 400 }), codes: ['due'] },
  'a rate is used up that does not count any more': { facts: state({ paidUntil: AT, paidFor: 9_000 }), codes: ['due'] },
  'much stands in its way': { facts: { ...OPEN, ...state({ ...PAUSED, ...GATED, limit: { concurrency: 1, rate: '1/s' }, paidUntil: AT, paidFor: 5 }), before: 3, nodes: [full] }, codes: ['paused', 'gated', 'behind_others', 'service_full', 'service_full', 'rate_limited'], until: AT }, // prettier-ignore
  'it runs': { facts: HELD, codes: ['running'], says: /a:1 runs step 3, try 2; the task began at 2026-12-24T17/ },
  'it runs on a node without a row': { facts: { ...HELD, node: null }, codes: ['running'], says: /without a name/ },
  'it is complete': { facts: { status: 'complete', finishedAt: '2026-12-24T19:00:00.000Z' }, codes: ['ended'], says: /complete since 2026-12-24T19/ }, // prettier-ignore
  'it has failed': { facts: { status: 'failed', error: { code: 'timeout', detail: '' } }, codes: ['ended'], says: /failed \(timeout\)/ }, // prettier-ignore
}

describe('an explanation', () => {
  for (const [what, { facts, codes, says, until, limit }] of Object.entries(CASES))
    it(`says ${codes.join(' and ')} where ${what}`, () => {
      const { state, reasons } = explain({ ...WAITING, ...facts }, limit)
      expect(reasons.map(({ code }) => code)).to.deep.equal(codes)
      expect(state).to.equal(codes[0] === 'running' || codes[0] === 'ended' ? codes[0] : 'waiting')
      if (says) expect(reasons.at(-1)?.detail).to.match(says)
      expect(reasons.at(-1)?.until).to.equal(until ?? (facts.early ? WAITING.runAt : null))
    })

  it('has a case here for each reason', () => {
    expect([...new Set(Object.values(CASES).flatMap(({ codes }) => codes))]).to.have.members(Object.keys(REASONS))
  })
})
