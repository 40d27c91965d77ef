// The plan as a table: what a node knows of its lanes, and what it does next.
import { expect } from 'chai'
import { type LaneState, type NodeState, plan, roomOf } from '../../../src/core/plan.ts'

const NOW = 1_000

const lane = (over: Partial<LaneState> = {}): LaneState => ({
  service: 'a',
  admission: 'all',
  limit: 10,
  share: 90,
  open: 0,
  running: 0,
  reserved: 0,
  bells: 0,
  more: false,
  list: 'empty',
  popping: false,
  poppedAt: 0,
  stale: false,
  popAfter: 0,
  missed: 0,
  lookAfter: 0,
  dueAt: Infinity,
  ...over,
})

/** What a plan comes to in words: `listen a`, `pop a 3/5` (ids/slots), `claim a 3+2 from mark` (with slots + without), `again 5`. */
function words(lanes: readonly Partial<LaneState>[], node: Partial<NodeState> = {}): string[] {
  const states = lanes.map((over) => lane(over))
  const { listen, pop, claim, again } = plan(states, { free: 100, claiming: false, turn: 0, ...node }, NOW)
  return [
    ...listen.map((service) => `listen ${service}`),
    ...[...pop].map(([service, { count, slots }]) => `pop ${service} ${count}/${slots}`),
    ...[...claim].map(([service, { count, extra, from }]) => `claim ${service} ${count - extra}+${extra} from ${from}`),
    ...(again < Infinity ? [`again ${again}`] : []),
  ]
}

const full = { open: 10, running: 10 }

describe('the plan', () => {
  for (const [state, lanes, expected, node] of [
    ['a lane whose list is empty is listened to', [{}], ['listen a']],
    ['a lane without room is left alone', [full], []],
    [
      'a lane whose requests are granted, or may not begin, is left alone',
      [
        { admission: 'granted', list: 'unknown', more: true },
        { admission: 'none', bells: 2, dueAt: 0 },
      ],
      [],
    ],
    ['a lane without a free slot of the node is left alone', [{}], [], { free: 0 }],
    ['a lane whose list was never asked is popped, as far as there is room', [{ list: 'unknown' }], ['pop a 10/10']],
    ['a lane whose list has more is popped, as far as there is room', [{ list: 'filled', open: 4 }], ['pop a 6/6']],
    ['a list that is being asked is not asked again', [{ list: 'filled', popping: true }], []],
    [
      'slots that come free one by one share a pop',
      [{ list: 'filled', limit: 100, open: 95, poppedAt: NOW - 1 }],
      ['again 1004'],
    ],
    [
      'a tenth of the limit is enough for a pop',
      [{ list: 'filled', limit: 100, open: 90, poppedAt: NOW - 1 }],
      ['pop a 10/10'],
    ],
    ['ids that announced nothing are popped by the thousand', [{ list: 'filled', stale: true }], ['pop a 1000/10']],
    ['a list of such ids is left alone for a while', [{ list: 'filled', popAfter: NOW + 20 }], ['again 1020']],
    ['bells are answered by a claim from the mark', [{ bells: 3, reserved: 3 }], ['listen a', 'claim a 3+0 from mark']],
    [
      'bells of a full lane are answered: their slots are kept',
      [{ bells: 3, reserved: 3, open: 7 }],
      ['claim a 3+0 from mark'],
    ],
    ['bells gather while a claim is under way', [{ bells: 3, reserved: 3 }], ['listen a'], { claiming: true }],
    ['a lane with more rows is claimed as far as there is room', [{ more: true, open: 4 }], ['claim a 0+6 from mark']],
    ['a lane with more rows does not ask its list', [{ more: true, list: 'filled' }], ['claim a 0+10 from mark']],
    ['bells and more rows share a claim', [{ more: true, bells: 2, reserved: 2 }], ['claim a 2+8 from mark']],
    ['a row is claimed when it becomes due, of whatever level', [{ dueAt: NOW }], ['claim a 0+10 from due']],
    ['a row that is due goes before more of the lane', [{ dueAt: NOW - 5, more: true }], ['claim a 0+10 from due']],
    ['bells share the claim of a row that is due', [{ dueAt: NOW, bells: 2, reserved: 2 }], ['claim a 2+8 from due']],
    ['a row that is not due yet is waited for', [{ dueAt: NOW + 7 }], ['listen a', 'again 1007']],
    ['a row that is due waits for room', [{ dueAt: NOW, open: 10 }], []],
    ['a bell that found no row is looked for from the start', [{ missed: 2 }], ['claim a 0+2 from start']],
    ['but not again at once', [{ missed: 2, lookAfter: NOW + 50 }], ['listen a', 'again 1050']],
    ['lanes take turns in who comes first', [{}, { service: 'b' }], ['listen b', 'listen a'], { turn: 1 }],
    [
      'each lane gets a slot before any gets two',
      [{ more: true }, { service: 'b', more: true }, { service: 'c', list: 'filled' }],
      ['pop c 1/1', 'claim a 0+1 from mark', 'claim b 0+1 from mark'],
      { free: 3 },
    ],
    [
      'what one lane does not want goes to the others',
      [{ more: true }, { service: 'b', more: true, limit: 2 }],
      ['claim a 0+6 from mark', 'claim b 0+2 from mark'],
      { free: 8 },
    ],
    [
      'a lane that waits for its turn is not forgotten when slots are short',
      [{ more: true }, { service: 'b', more: true }],
      ['claim b 0+1 from mark'],
      { free: 1, turn: 1 },
    ],
  ] as readonly (readonly [string, readonly Partial<LaneState>[], readonly string[], Partial<NodeState>?])[])
    it(state, () => expect(words(lanes, node)).to.deep.equal(expected))

  for (const [what, over, free, expected] of [
    ['the limit of requests open', { open: 7 }, 100, 3],
    ['slots that are kept count as requests open', { open: 7, reserved: 2 }, 100, 1],
    ['a task whose end is being written holds no request open', { open: 2, running: 10 }, 100, 8],
    ['the share of the slots', { share: 5, running: 3, reserved: 1 }, 100, 1],
    ['the free slots of the node', {}, 4, 4],
    ['never below nothing', { open: 12 }, 100, 0],
  ] as const)
    it(`gives a lane room within ${what}`, () => expect(roomOf(lane(over), free)).to.equal(expected))

  it('keeps what it gives within the free slots of the node, whatever the lanes', () => {
    for (let free = 0; free < 30; free += 1)
      for (const turn of [0, 1, 2, 3]) {
        const lanes = ['a', 'b', 'c', 'd'].map((service, i) => lane({ service, more: i % 2 === 0, list: 'filled' }))
        const { pop, claim } = plan(lanes, { free, claiming: false, turn }, NOW)
        const given = [...pop.values()].map(({ slots }) => slots).concat([...claim.values()].map(({ extra }) => extra))
        expect(given.reduce((sum, one) => sum + one, 0)).to.equal(Math.min(free, 40))
        expect(given).to.have.length(Math.min(free, 4))
        expect(Math.max(0, ...given) - Math.min(10, ...given), `free ${free}`).to.be.below(2)
      }
  })
})
