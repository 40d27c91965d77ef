// The judge of the chaos runs must find every breach: each is made up here, and a clean run has none.
import { expect } from 'chai'
import type { Evidence, Row, Span } from './evidence.ts'
import { judge } from './judge.ts'
import { Ledger } from './ledger.ts'
import type { Plan } from './plan.ts'
import type { Asked } from './referee.ts'
import { stretched } from './spans.ts'

const PLAN: Plan = { steps: 1, end: 200, pace: 0, slow: false, flakyStep: -1, flakes: 0, waitStep: -1, padding: 0 }
const FAULT: Span = { name: 'kill', from: 10_000, to: 12_000, excuses: true, doubts: ['a'], cancelWithin: 1_000 }

/** A run of one task of two steps, as it should be; `change` spoils it. */
function run(
  change: (it: { asked: Asked[]; rows: Row[]; ledger: Ledger; ends: Map<string, string> }) => void,
  spans: Span[] = [],
  timedOut: readonly string[] = [],
) {
  const asked = [request({ serial: 1 }), request({ serial: 2, step: 1, by: 1, at: 1_100, end: 1_110, status: 200 })]
  const rows: Row[] = [
    {
      id: '7',
      task: 1,
      status: 'complete',
      step: 1,
      attempt: 1,
      node: null,
      answer: '{"task":1,"by":2}',
      end: 'digest',
    },
  ]
  const ledger = new Ledger()
  Object.assign(ledger.entry(1), { location: '/tasks/7', at: 900 })
  const ends = new Map([['7', 'digest']])
  change({ asked, rows, ledger, ends })
  const evidence: Evidence = {
    plan: () => PLAN,
    ledger,
    byLocation: new Map(ledger.acknowledged.map((entry) => [entry.location ?? '', entry])),
    referee: { of: (task) => asked.filter((one) => one.task === task), tasks: new Set(asked.map(({ task }) => task)) },
    rows,
    ends,
    spans,
    timedOut: new Set(timedOut),
  }
  return judge(evidence)
}

function request(what: Partial<Asked>): Asked {
  const { step = 0 } = what
  const base = { serial: 1, task: 1, id: '7', step, attempt: 1, key: `"k.${step}"`, node: 'a', by: 0, intact: true }
  return { ...base, at: 1_000, end: 1_010, status: 206, ...what }
}

const again = (what: Partial<Asked>): Asked => request({ serial: 3, attempt: 2, at: 1_050, end: 1_060, ...what })

describe('the judge of chaos runs', () => {
  it('finds nothing in a run that kept every promise', () => {
    expect(run(() => undefined)).to.deep.equal({
      breaches: [],
      figures: { tasks: 1, requests: 2, repeats: 0, late: 0, unknown: 0, deleted: 0 },
    })
  })

  it('lets a request be read behind its repeat that its node gave up on, and no other', () => {
    const late = again({ attempt: 1, at: 1_200, status: 0 })
    const [first] = run(({ asked }) => (Object.assign(asked[0] ?? {}, { attempt: 2 }), asked.push(late))).breaches
    expect(first).to.match(/began after a later step/)
    const timedOut = ['7 0 1']
    expect(
      run(({ asked }) => (Object.assign(asked[0] ?? {}, { attempt: 2 }), asked.push(late)), [], timedOut).breaches,
    ).to.deep.equal([])
    expect(run(({ asked }) => asked.splice(1, 0, again({})), [], ['7 0 3']).breaches).to.have.length(1)
  })

  const breaches: Readonly<Record<string, [RegExp, Parameters<typeof run>[0]]>> = {
    'a task that is lost': [/is lost/, ({ rows }) => rows.splice(0)],
    'a task that has not ended': [
      /has not ended/,
      ({ rows: [row] }) => row && Object.assign(row, { status: 'running' }),
    ],
    'a task that exists twice': [/exists 2 times/, ({ rows }) => rows.push({ ...rows[0], id: '8' } as Row)],
    'a task that was refused and exists': [
      /exists 1 times; at most 0/,
      ({ ledger }) => (ledger.entry(1).location = undefined),
    ],
    'a task that is there after its DELETE': [
      /there after its DELETE/,
      ({ ledger }) => (ledger.entry(1).deletedAt = 5_000),
    ],
    'a task that is there after a DELETE said 404 of it': [
      /there after its DELETE/,
      ({ ledger }) => Object.assign(ledger.entry(1), { maybeDeleted: true, gone: true }),
    ],
    'an end that is gone without a DELETE': [/end of .* has changed/, ({ rows }) => rows.splice(0)],
    'a caller who was too slow for no reason': [
      /an answer 408/,
      ({ ledger }) => ledger.complain('an answer 408', true),
    ],
    'an end that has changed': [/end of .* has changed/, ({ ends }) => ends.set('7', 'another')],
    'another status than the service gave': [
      /is failed at step 1/,
      ({ rows: [row] }) => row && Object.assign(row, { status: 'failed' }),
    ],
    'a result that nobody answered': [
      /never answered/,
      ({ rows: [row] }) => row && Object.assign(row, { answer: '{"task":1,"by":9}' }),
    ],
    'a payload that nobody gave out': [
      /nobody gave out/,
      ({ asked }) => Object.assign(asked[1] ?? {}, { intact: false }),
    ],
    'a key that changed': [/more than one key/, ({ asked }) => Object.assign(asked[1] ?? {}, { key: '"other.1"' })],
    'a step that was skipped': [/step 1 was begun after step -1/, ({ asked }) => asked.shift()],
    'a step begun again after a later one': [
      /began after a later step/,
      ({ asked }) => asked.push(again({ at: 1_200, node: 'b' })),
    ],
    'a step sent again for no reason': [/without a fault/, ({ asked }) => asked.splice(1, 0, again({}))],
    'a try whose number did not rise': [
      /try 1 of step 0 after try 1/,
      ({ asked }) => asked.splice(1, 0, again({ attempt: 1 })),
    ],
    'the effect of an older claim': [
      /recorded after try 2 had begun/,
      ({ asked }) => asked.splice(1, 0, again({ serial: 1.5 })),
    ],
    'a complaint of a caller': [/an answer 500/, ({ ledger }) => ledger.complain('an answer 500')],
    'a request long after a DELETE': [
      /after its DELETE \(bound 1000 ms\)/,
      ({ ledger, rows, asked }) => {
        rows.splice(0)
        ledger.entry(1).deletedAt = 1_050
        Object.assign(asked[1] ?? {}, { at: 2_500 })
      },
    ],
    'a request that a DELETE did not end': [
      /still being asked 5000 ms after/,
      ({ ledger, rows, asked }) => {
        rows.splice(0)
        ledger.entry(1).deletedAt = 1_105
        Object.assign(asked[1] ?? {}, { end: 6_105 })
      },
    ],
    'two requests after a DELETE': [
      /asked 2 times after its DELETE/,
      ({ ledger, rows }) => {
        rows.splice(0)
        ledger.entry(1).deletedAt = 999
      },
    ],
  }
  for (const [name, [pattern, change]] of Object.entries(breaches))
    it(`finds ${name}`, () => {
      const { breaches: found } = run((it) => {
        change(it)
      })
      expect(found.join('\n')).to.match(pattern)
    })

  it('allows a repeat of a step that was in flight at a fault, and counts it', () => {
    const repeat = (at: number) => (it: { asked: Asked[] }) => {
      Object.assign(it.asked[0] ?? {}, { at: at - 100, end: at, status: 0 })
      it.asked.splice(1, 0, again({ serial: 3, at: at + 500, end: at + 510 }))
      Object.assign(it.asked[2] ?? {}, { by: 3, at: at + 600 })
    }
    const { breaches: none, figures } = run(repeat(10_500), [FAULT])
    expect(none).to.deep.equal([])
    expect(figures.repeats).to.equal(1)
    expect(run(repeat(5_000), [FAULT]).breaches.join('\n')).to.match(/without a fault/)
  })

  it('allows a repeat of what the node of the fault had in flight, and of no other', () => {
    const repeat = (it: { asked: Asked[] }): void => {
      Object.assign(it.asked[0] ?? {}, { at: 10_400, end: 10_500, status: 0 })
      it.asked.splice(1, 0, again({ serial: 3, at: 11_000, end: 11_010 }))
      Object.assign(it.asked[2] ?? {}, { by: 3, at: 11_100 })
    }
    expect(run(repeat, [{ ...FAULT, doubts: [], of: 'a' }]).breaches).to.deep.equal([])
    expect(run(repeat, [{ ...FAULT, doubts: [], of: 'b' }]).breaches.join('\n')).to.match(/without a fault/)
  })

  it('allows a late request of what has died only where nobody waited for its answer', () => {
    const span: Span = { ...FAULT, unanswered: true }
    const late = (status: number) => (it: { asked: Asked[] }) =>
      it.asked.push(again({ at: 11_000, end: 11_001, node: 'a', status }))
    expect(run((it) => void late(0)(it), [span]).breaches).to.deep.equal([])
    expect(run((it) => void late(206)(it), [span]).breaches.join('\n')).to.match(/began after a later step/)
  })

  it('gives a DELETE the time that a fault takes, and no second request', () => {
    const span: Span = { ...FAULT, from: 900, to: 1_200, excuses: false, doubts: [], cancelWithin: 3_000 }
    const deletedAt = (ms: number, at: number) => (it: { ledger: Ledger; rows: Row[]; asked: Asked[] }) => {
      it.rows.splice(0)
      it.ledger.entry(1).deletedAt = ms
      Object.assign(it.asked[1] ?? {}, { at, end: at + 10 })
    }
    expect(run(deletedAt(1_050, 3_500), [span]).breaches).to.deep.equal([])
    expect(run(deletedAt(1_050, 4_500), [span]).breaches.join('\n')).to.match(/bound 3000 ms/)
    expect(run(deletedAt(999, 1_100), [span]).breaches.join('\n')).to.match(/asked 2 times/)
  })

  it('believes nothing of a task whose DELETE has an unknown outcome', () => {
    const maybe = ({ ledger, rows }: { ledger: Ledger; rows: Row[] }): void => {
      ledger.entry(1).maybeDeleted = true
      rows.splice(0)
    }
    expect(run(maybe).breaches).to.deep.equal([])
  })

  it('excuses a 408 where a node stood still', () => {
    const slow = ({ ledger }: { ledger: Ledger }): void => ledger.complain('an answer 408', true)
    expect(run(slow, [{ ...FAULT, from: 0, to: Date.now() }]).breaches).to.deep.equal([])
  })

  it('allows a late request only of a node that was frozen or cut off', () => {
    const late = (node: string) => (it: { asked: Asked[] }) => it.asked.push(again({ at: 11_000, end: 11_010, node }))
    expect(run((it) => void late('a')(it), [FAULT]).breaches).to.deep.equal([])
    expect(run((it) => void late('b')(it), [FAULT]).breaches.join('\n')).to.match(/began after a later step/)
  })

  it('gives a fault the time in which the machine had not caught up with it, and no other', () => {
    const behind = (from: number, to: number): Span => ({
      ...FAULT,
      name: 'starved',
      from,
      to,
      excuses: false,
      doubts: [],
    })
    const ends = (...late: Span[]): number => stretched([FAULT], late)[0]?.to ?? 0
    expect(ends()).to.equal(12_000)
    expect(ends(behind(12_500, 13_000), behind(13_500, 14_000))).to.equal(14_000)
    expect(ends(behind(13_500, 14_000), behind(12_500, 13_000))).to.equal(14_000)
    expect(ends(behind(11_000, 11_500), behind(13_001, 14_000))).to.equal(12_000)
  })
})
