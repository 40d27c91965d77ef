import { expect } from 'chai'
import type { RunningTask, RunningTasks } from '../../../src/supervisor/running.ts'
import type { Standing } from '../../../src/store/reads.ts'
import { findStrays, type Judgement, type Strays, syncRunning } from '../../../src/supervisor/sync.ts'
import { aTask, runningOf } from './build.ts'

interface Row {
  readonly id: string
  readonly token: number
  readonly node?: string | null
}

const none = async (): Promise<[]> => []

describe('sync', () => {
  let running: RunningTasks

  beforeEach(() => {
    running = runningOf({ billing: 10 })
  })

  /** What a sync says when Postgres answers with these rows; `meanwhile` happens while the answer is under way. */
  const judge = (
    rows: readonly Row[],
    { meanwhile = () => {}, epoch = 1 }: Partial<{ meanwhile: () => void; epoch: number }> = {},
  ): Promise<Judgement> => {
    const standing = async (): Promise<Standing[]> => {
      meanwhile()
      return rows.map((row) => ({ node: 'me', ended: false, ...row }))
    }
    return syncRunning({ store: { standing, holdings: none }, running, node: 'me', epoch })
  }

  /** What a look for strays says. */
  const stray = (
    rows: readonly Row[],
    {
      missed = new Map(),
      meanwhile = () => {},
    }: Partial<{ missed: ReadonlyMap<string, number>; meanwhile: () => void }> = {},
  ): Promise<Strays> => {
    const holdings = async (node: string): Promise<readonly Row[]> => {
      expect(node).to.equal('me')
      meanwhile()
      return rows
    }
    return findStrays({ store: { holdings, standing: none }, running, node: 'me', epoch: 1 }, missed)
  }

  const hold = (over: Partial<RunningTask> = {}): RunningTask => {
    const held = aTask(over)
    running.add(held)
    return held
  }

  const nothing = { stop: [], confirm: [] }
  const noStrays = { release: [], missed: new Map() }

  it('has nothing to say when Postgres and the running agree', async () => {
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

  it('stops an actor whose row names another node', async () => {
    const held = hold()
    expect((await judge([{ id: '1', token: 11, node: 'other' }])).stop).to.deep.equal([held])
  })

  it('asks nothing while nothing runs', async () => {
    const meanwhile = (): void => expect.fail('it asked')
    expect(await judge([], { meanwhile })).to.deep.equal(nothing)
  })

  it('does not judge an actor that came after the question was sent', async () => {
    const held = hold({ id: '2', token: 22 })
    const judged = await judge([{ id: '2', token: 22 }], { meanwhile: () => hold() })
    expect(judged).to.deep.equal(nothing)
    expect(running.has(held)).to.equal(true)
  })

  it('does not judge an actor with a write in flight, be it since the question was sent', async () => {
    const writing = hold({ writing: true })
    expect((await judge([])).stop).to.deep.equal([])
    writing.writing = false
    expect((await judge([], { meanwhile: () => (writing.writing = true) })).stop).to.deep.equal([])
  })

  it('does not judge an actor that was let go meanwhile', async () => {
    const held = hold()
    expect(await judge([], { meanwhile: () => running.drop(held) })).to.deep.equal(nothing)
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
    const first = await stray(rows)
    expect(first).to.deep.equal({ ...noStrays, missed: new Map([['5', 55]]) })
    const second = await stray(rows, { missed: first.missed })
    expect(second).to.deep.equal({ ...noStrays, release: [{ id: '5', token: 55, node: 'me' }] })
  })

  it('counts anew when the row has another token', async () => {
    const judged = await stray([{ id: '5', token: 56 }], { missed: new Map([['5', 55]]) })
    expect(judged).to.deep.equal({ ...noStrays, missed: new Map([['5', 56]]) })
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
    expect(await stray(rows, { missed })).to.deep.equal(noStrays)
  })

  it('does not release rows of a claim that was in flight when the question was sent', async () => {
    running.sent(55)
    const judged = await stray([{ id: '5', token: 55 }], {
      missed: new Map([['5', 55]]),
      meanwhile: () => running.arrived(55),
    })
    expect(judged).to.deep.equal(noStrays)
  })

  it('does not release rows of a claim that is in flight when the answer comes', async () => {
    const judged = await stray([{ id: '5', token: 55 }], {
      missed: new Map([['5', 55]]),
      meanwhile: () => running.sent(55),
    })
    expect(judged).to.deep.equal(noStrays)
  })
})
