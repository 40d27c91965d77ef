import { expect } from 'chai'
import sinon from 'sinon'
import type { Assignment, Command } from '../../../src/core/messages.ts'
import type { SettleEntry } from '../../../src/store/fenced.ts'
import type { Store } from '../../../src/store/store.ts'
import type { RunningTask, RunningTasks } from '../../../src/supervisor/running.ts'
import type { PoolOptions } from '../../../src/supervisor/pool.ts'
import { CRASHES } from '../../../src/core/crashes.ts'
import { Quarantine } from '../../../src/supervisor/quarantine.ts'
import type { Thread } from '../../../src/supervisor/thread.ts'
import { aTask, aLog, runningOf } from './build.ts'

const TRIAL = 30_000

describe('the quarantine', () => {
  let clock: sinon.SinonFakeTimers
  let running: RunningTasks
  let quarantine: Quarantine
  let events: Pick<PoolOptions, 'died' | 'available'>
  let thread: Thread | undefined
  let started: string[]
  let tasks: Assignment[]
  let starts: number
  let settled: SettleEntry[]
  let orphaned: (readonly RunningTask[])[]
  let settle: (entry: SettleEntry) => Promise<'written' | 'lost'>

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    started = []
    tasks = []
    starts = 0
    settled = []
    orphaned = []
    thread = undefined
    settle = async () => 'written'
    running = runningOf({ billing: 10 }, (task) => quarantine.ended(task))
    const add = (entry: SettleEntry): Promise<'written' | 'lost'> => {
      settled.push(entry)
      return settle(entry)
    }
    quarantine = new Quarantine({
      pool: (heard) => {
        events = heard
        return {
          start: async () => void (starts += 1),
          stop: async () => {},
          get idlest() {
            return thread
          },
          drain: () => {},
          serve: () => {},
        }
      },
      store: { settle: { add } as Store['settle'] },
      running,
      trial: TRIAL,
      log: aLog().log,
      revivals: { orphaned: (tasks) => void orphaned.push(tasks) },
    })
  })

  afterEach(() => clock.restore())

  /** The quarantine's thread is ready. */
  const ready = (): Thread => {
    const tell = (command: Command): unknown =>
      command.kind === 'run' && started.push(command.task.id) && tasks.push(command.task)
    thread = { load: 0, tell } as Thread
    events.available()
    return thread
  }

  const die = async (): Promise<void> => {
    const dead = thread as Thread
    thread = undefined
    events.died(dead, new Error('out of memory'))
    await clock.tickAsync(0)
  }

  const add = (id: string, task: Partial<Assignment> = {}, crashes = 3): RunningTask => {
    const held = aTask({ id, crashes })
    running.add(held)
    quarantine.add({
      task: held,
      assignment: { id, token: held.token, age: 0, ...task } as Assignment,
      since: performance.now() - 1,
    })
    return held
  }

  it('starts its thread with the first suspect, and once, and runs them when that is ready', () => {
    expect(starts).to.equal(0)
    const [held] = [add('1'), add('2')]
    expect([starts, started]).to.deep.equal([1, []])
    const ran = ready()
    expect(started).to.deep.equal(['1', '2'])
    expect([held.thread, ran.load]).to.deep.equal([ran, 2])
  })

  for (const [crashes, most] of [
    [3, 64],
    [4, 8],
    [5, 1],
    [CRASHES.alone, 1],
    [CRASHES.alone + 1, 1],
  ] as const)
    it(`runs those with ${crashes} crashes ${most} at a time, in the order in which they came`, () => {
      const ids = Array.from({ length: most + 2 }, (_, i) => String(i + 1))
      const [first] = ids.map((id) => add(id, {}, crashes))
      ready()
      expect(started).to.deep.equal(ids.slice(0, most))
      if (first) running.drop(first)
      expect(started).to.deep.equal(ids.slice(0, most + 1))
    })

  it('takes none into a group that is too large for it, nor for one of the group', () => {
    const small = CRASHES.alone - 2
    const ids = ['1', '2', '3', '4', '5', '6', '7', '8']
    const [first] = ids.map((id) => add(id))
    add('9', {}, small)
    const ran = ready()
    expect(started).to.deep.equal(ids)
    if (first) running.drop(first)
    expect(started).to.deep.equal([...ids, '9'])
    add('10')
    expect(started).to.not.include('10')
    expect(ran.load).to.equal(8)
  })

  it('runs others beside those whose trial is over', async () => {
    const ids = ['1', '2', '3']
    for (const id of ids) add(id, {}, CRASHES.alone - 1)
    ready()
    await clock.tickAsync(TRIAL - 1)
    expect(started).to.deep.equal(['1'])
    await clock.tickAsync(1)
    expect(started).to.deep.equal(['1', '2'])
    await clock.tickAsync(TRIAL)
    expect(started).to.deep.equal(ids)
  })

  it('leaves the thread to one that has crashed often, until it ends', async () => {
    const often = add('1', {}, CRASHES.alone)
    add('2')
    ready()
    await clock.tickAsync(10 * TRIAL)
    expect(started).to.deep.equal(['1'])
    running.drop(often)
    expect(started).to.deep.equal(['1', '2'])
  })

  it('begins one that has crashed often only when nobody else runs', async () => {
    const before = add('1', {}, CRASHES.alone - 1)
    add('2', {}, CRASHES.alone)
    ready()
    await clock.tickAsync(10 * TRIAL)
    expect(started).to.deep.equal(['1'])
    running.drop(before)
    expect(started).to.deep.equal(['1', '2'])
  })

  it('counts what happened while a suspect waited: its age, and a confirmation', () => {
    const held = add('1', { age: 500, epoch: 1 })
    held.epoch = 2
    ready()
    expect(tasks[0]).to.include({ epoch: 2 })
    expect(tasks[0]?.age).to.be.above(500)
  })

  it('leaves a suspect whose report is being written to its writer, when several died together', async () => {
    const [first, second] = [add('1'), add('2')]
    ready()
    await clock.tickAsync(TRIAL)
    first.writing = true
    await die()
    expect(orphaned).to.deep.equal([[second]])
    expect(first.thread).to.equal(undefined)
  })

  it('passes over a suspect whose claim was let go, or is being given back', () => {
    const [first, second, third] = ['1', '2', '3', '4'].map((id) => add(id, {}, CRASHES.alone))
    if (second) running.drop(second)
    if (third) third.writing = true
    const ran = ready()
    if (first) running.drop(first)
    expect(started).to.deep.equal(['1', '4'])
    expect(ran.load).to.equal(1)
  })

  it('fails a task that kills its thread when run alone, and runs the next in a new one', async () => {
    const held = add('1', {}, CRASHES.alone)
    add('2', {}, CRASHES.alone)
    ready()
    await die()
    expect(settled).to.have.length(1)
    expect(settled[0]).to.include({ id: '1', token: held.token, node: 'me', status: 'failed' })
    expect(settled[0]?.error).to.include('"crashed"')
    expect(running.has(held)).to.equal(false)
    expect([orphaned, started]).to.deep.equal([[], ['1']])
    ready()
    expect(started).to.deep.equal(['1', '2'])
  })

  it('lets the claim go also when the end could not be written: sync gives the row back', async () => {
    settle = async () => Promise.reject(new Error('no'))
    const held = add('1')
    ready()
    await die()
    expect(running.has(held)).to.equal(false)
  })

  it('does not convict a task whose report is being written', async () => {
    const held = add('1')
    ready()
    held.writing = true
    await die()
    expect(settled).to.deep.equal([])
    expect([running.has(held), held.thread]).to.deep.equal([true, undefined])
  })

  it('convicts nobody when several died together: nobody knows which it was', async () => {
    const [first, second] = [add('1'), add('2')]
    ready()
    await clock.tickAsync(TRIAL)
    await die()
    expect(settled).to.deep.equal([])
    // The last that began goes first the next time.
    expect(orphaned).to.deep.equal([[second, first]])
    expect([first.thread, second.thread]).to.deep.equal([undefined, undefined])
  })

  it('accuses nobody when its thread dies with nobody in it', async () => {
    running.drop(add('1'))
    ready()
    await die()
    expect([settled, orphaned]).to.deep.equal([[], []])
  })

  it('runs nothing more once it has stopped', async () => {
    const first = add('1', {}, CRASHES.alone)
    add('2', {}, CRASHES.alone)
    ready()
    await quarantine.stop()
    running.drop(first)
    events.available()
    expect(clock.countTimers()).to.equal(0)
    expect(started).to.deep.equal(['1'])
  })
})
