import { expect } from 'chai'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { RunningTasks, type RunningTask } from '../../../src/supervisor/running.ts'
import { aTask, runningOf, services } from './build.ts'

describe('tasks that run', () => {
  let ended: RunningTask[]
  let freed: number
  let lanes: Lanes
  let running: RunningTasks

  beforeEach(() => {
    ended = []
    freed = 0
    lanes = new Lanes(10, services({ billing: 4, mail: 100 }), () => (freed += 1))
    running = new RunningTasks(lanes, (task) => ended.push(task))
  })

  it('have room for a service up to its concurrency, and up to nine tenths of the slots', () => {
    expect([lanes.room('billing'), lanes.room('mail'), lanes.room('nobody')]).to.deep.equal([4, 9, 0])
  })

  it('fill a slot from their claim to the last report, and a request of their service until that is answered', () => {
    const task = aTask()
    running.add(task)
    expect([running.size, lanes.free, lanes.room('billing'), lanes.room('mail')]).to.deep.equal([1, 9, 3, 9])
    running.answered(task)
    running.answered(task)
    expect([running.size, lanes.free, lanes.room('billing'), freed]).to.deep.equal([1, 9, 4, 1])
    expect(running.drop(task)).to.equal(true)
    expect([running.size, lanes.free, lanes.room('billing'), freed]).to.deep.equal([0, 10, 4, 2])
    expect(ended).to.deep.equal([task])
  })

  it('leave a tenth of the slots to other services', () => {
    for (let id = 1; id <= 9; id += 1) running.add(aTask({ id: String(id), service: 'mail' }))
    expect([lanes.free, lanes.room('mail'), lanes.room('billing')]).to.deep.equal([1, 0, 1])
  })

  it('are dropped only once', () => {
    const task = aTask()
    running.add(task)
    running.drop(task)
    expect(running.drop(task)).to.equal(false)
    expect(lanes.room('billing')).to.equal(4)
    expect(ended).to.have.length(1)
  })

  it('do not drop the newer claim of a task for the older one', () => {
    const [older, newer] = [aTask({ token: 1 }), aTask({ token: 2 })]
    running.add(older)
    running.drop(older)
    running.add(newer)
    expect(running.has(older)).to.equal(false)
    expect(running.drop(older)).to.equal(false)
    expect(running.get('1')).to.equal(newer)
    expect(running.all()).to.deep.equal([newer])
  })

  it('take the load off their thread', () => {
    const thread = { load: 3 } as NonNullable<RunningTask['thread']>
    const task = aTask({ thread })
    running.add(task)
    running.drop(task)
    expect(thread.load).to.equal(2)
  })

  it('leave slots alone that are kept for claims under way', () => {
    const lane = lanes.of('mail')
    if (!lane) throw new Error('no lane')
    lanes.reserve(lane, 9)
    running.add(aTask({ service: 'mail' }))
    expect([lanes.free, lanes.room('mail'), lanes.room('billing')]).to.deep.equal([0, 0, 0])
    expect(running.empty).to.equal(false)
    lanes.unreserve(lane, 9)
    expect([lanes.free, lanes.room('mail'), freed]).to.deep.equal([9, 8, 1])
  })
})

describe('a cancellation that comes before its claim', () => {
  let running: RunningTasks

  beforeEach(() => {
    running = runningOf({ billing: 4 })
  })

  it('is remembered until the claim in flight is answered', () => {
    running.sent(1)
    expect([...running.inFlight.keys()]).to.deep.equal([1])
    running.remember('7')
    const arrived = running.arrived(1)
    expect(arrived.cancelled('7')).to.equal(true)
    expect(arrived.cancelled('8')).to.equal(false)
    expect([...running.inFlight.keys()]).to.deep.equal([])
  })

  it('is remembered for each claim that was in flight, whichever is answered first', () => {
    for (const token of [1, 2]) running.sent(token)
    running.remember('7')
    expect(running.arrived(2).cancelled('7')).to.equal(true)
    expect(running.arrived(1).cancelled('7')).to.equal(true)
  })

  it('does not touch a claim that was sent after it: the row was gone by then', () => {
    running.sent(1)
    running.remember('7')
    running.sent(2)
    expect(running.arrived(2).cancelled('7')).to.equal(false)
    expect(running.arrived(1).cancelled('7')).to.equal(true)
  })

  it('is forgotten when nothing is in flight', () => {
    running.remember('7')
    running.sent(1)
    expect(running.arrived(1).cancelled('7')).to.equal(false)
  })

  it('makes every row of the claims in flight doubtful when more ids are cancelled than are remembered', () => {
    running.sent(1)
    for (let id = 0; id < 10_001; id += 1) running.remember(String(id))
    running.sent(2)
    const [first, second] = [running.arrived(1), running.arrived(2)]
    expect([first.cancelled('0'), first.cancelled('10000'), first.cancelled('nobody named it')]).to.deep.equal([
      true,
      true,
      true,
    ])
    expect(second.cancelled('0')).to.equal(false)
    running.sent(1)
    expect(running.arrived(1).cancelled('nobody named it')).to.equal(false)
  })

  it('is heard once', () => {
    running.sent(1)
    running.remember('7')
    running.arrived(1)
    running.sent(1)
    expect(running.arrived(1).cancelled('7')).to.equal(false)
  })
})
