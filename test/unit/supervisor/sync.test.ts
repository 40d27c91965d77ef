import { expect } from 'chai'
import { Hands, type Held } from '../../../src/supervisor/hands.ts'
import { type Judgement, sync } from '../../../src/supervisor/sync.ts'
import { aHeld, services } from './build.ts'

interface Row {
  readonly id: string
  readonly token: number
}

describe('sync', () => {
  let hands: Hands

  beforeEach(() => {
    hands = new Hands(10, services({ billing: 10 }), () => {})
  })

  /** What sync says when Postgres answers with these rows; `meanwhile` happens while the answer is under way. */
  const judge = (
    rows: readonly Row[],
    {
      missed = new Map(),
      meanwhile = () => {},
      epoch = 1,
    }: Partial<{
      missed: ReadonlyMap<string, number>
      meanwhile: () => void
      epoch: number
    }> = {},
  ): Promise<Judgement> => {
    const holdings = async (node: string): Promise<readonly Row[]> => {
      expect(node).to.equal('me')
      meanwhile()
      return rows
    }
    return sync({ store: { holdings }, hands, node: 'me', epoch }, missed)
  }

  const hold = (over: Partial<Held> = {}): Held => {
    const held = aHeld(over)
    hands.add(held)
    return held
  }

  const nothing = { stop: [], confirm: [], release: [], missed: new Map() }

  it('has nothing to say when Postgres and the hands agree', async () => {
    hold()
    expect(await judge([{ id: '1', token: 11 }])).to.deep.equal(nothing)
  })

  it('stops an actor whose row is gone', async () => {
    const held = hold()
    expect(await judge([])).to.deep.equal({ ...nothing, stop: [held] })
  })

  it('stops an actor whose row has another token', async () => {
    const held = hold()
    expect((await judge([{ id: '1', token: 12 }])).stop).to.deep.equal([held])
  })

  it('does not judge an actor that came after the question was sent', async () => {
    expect(await judge([], { meanwhile: () => hold() })).to.deep.equal(nothing)
  })

  it('does not judge an actor with a write in flight, be it since the question was sent', async () => {
    const writing = hold({ writing: true })
    expect((await judge([])).stop).to.deep.equal([])
    writing.writing = false
    expect((await judge([], { meanwhile: () => (writing.writing = true) })).stop).to.deep.equal([])
  })

  it('does not judge an actor that was let go meanwhile', async () => {
    const held = hold()
    expect(await judge([], { meanwhile: () => hands.drop(held) })).to.deep.equal(nothing)
  })

  it('does not judge an actor of the node of an earlier name', async () => {
    hold({ node: 'me before' })
    expect((await judge([])).stop).to.deep.equal([])
  })

  it('confirms the claims of an older epoch that are still good', async () => {
    const doubtful = hold({ epoch: 1 })
    hold({ id: '2', token: 22, epoch: 2 })
    const rows = [
      { id: '1', token: 11 },
      { id: '2', token: 22 },
    ]
    expect(await judge(rows, { epoch: 2 })).to.deep.equal({ ...nothing, confirm: [doubtful] })
  })

  it('does not confirm what has a write in flight: the write will tell', async () => {
    hold({ epoch: 1, writing: true })
    expect((await judge([{ id: '1', token: 11 }], { epoch: 2 })).confirm).to.deep.equal([])
  })

  it('releases a row that belongs to nothing here when it is seen so twice in a row', async () => {
    const rows = [{ id: '5', token: 55 }]
    const first = await judge(rows)
    expect(first).to.deep.equal({ ...nothing, missed: new Map([['5', 55]]) })
    const second = await judge(rows, { missed: first.missed })
    expect(second).to.deep.equal({ ...nothing, release: [{ id: '5', token: 55, node: 'me' }] })
  })

  it('counts anew when the row has another token', async () => {
    const judged = await judge([{ id: '5', token: 56 }], { missed: new Map([['5', 55]]) })
    expect(judged).to.deep.equal({ ...nothing, missed: new Map([['5', 56]]) })
  })

  it('does not release the row of an actor, nor one whose report waits to be written', async () => {
    hold({ id: '5', token: 55 })
    hold({ id: '6', token: 66, writing: true })
    const rows = [
      { id: '5', token: 55 },
      { id: '6', token: 66 },
    ]
    const missed = new Map([
      ['5', 55],
      ['6', 66],
    ])
    expect(await judge(rows, { missed })).to.deep.equal(nothing)
  })

  it('does not release rows of a claim that was in flight when the question was sent', async () => {
    hands.sent(55)
    const judged = await judge([{ id: '5', token: 55 }], {
      missed: new Map([['5', 55]]),
      meanwhile: () => hands.answered(55),
    })
    expect(judged).to.deep.equal(nothing)
  })

  it('does not release rows of a claim that is in flight when the answer comes', async () => {
    const judged = await judge([{ id: '5', token: 55 }], {
      missed: new Map([['5', 55]]),
      meanwhile: () => hands.sent(55),
    })
    expect(judged).to.deep.equal(nothing)
  })
})
