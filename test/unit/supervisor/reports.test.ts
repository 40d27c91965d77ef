import { expect } from 'chai'
import sinon from 'sinon'
import type { Command, Report } from '../../../src/core/messages.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'
import type { ClaimRef, Written } from '../../../src/store/fenced.ts'
import type { Store } from '../../../src/store/store.ts'
import { StoreError, type Trouble } from '../../../src/store/trouble.ts'
import type { RunningTask, RunningTasks } from '../../../src/supervisor/running.ts'
import { take } from '../../../src/supervisor/reports.ts'
import { Meters } from '../../../src/telemetry/meters.ts'
import { Seldom } from '../../../src/telemetry/seldom.ts'
import type { Thread } from '../../../src/supervisor/thread.ts'
import { aTask, aLog, type Line, runningOf } from './build.ts'

const RETRY: Report = {
  kind: 'retry',
  id: '1',
  token: 11,
  step: 0,
  attempt: 1,
  failure: { code: 'timeout', detail: 'late' },
}

describe('a report', () => {
  let clock: sinon.SinonFakeTimers
  let running: RunningTasks
  let task: RunningTask
  let told: Command[]
  let lines: Line[]
  let tries: number
  /** What the tries meet, one after another; then they go through. */
  let troubles: Trouble[]
  let meanwhile: () => void
  /** Whether more of its service is open than may be. */
  let over: boolean
  let released: object[]
  /** How often the states heard that the service has answered. */
  let heard: number
  let taking: Promise<void>
  let trust: Trust
  let meters: Meters

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    running = runningOf({ billing: 10 })
    told = []
    tries = 0
    troubles = []
    meanwhile = () => {}
    over = false
    released = []
    heard = 0
    trust = new Trust(trustBuffer())
    meters = new Meters()
    task = aTask({ thread: { load: 1, tell: (command: Command) => told.push(command) } as unknown as Thread })
    running.add(task)
  })
  afterEach(() => clock.restore())

  const report = (written: Written = 'written', sent: Report = RETRY): void => {
    const { log, lines: logged } = aLog()
    lines = logged
    const add = async (): Promise<Written> => {
      tries += 1
      const trouble = troubles.shift()
      if (trouble === undefined) return written
      meanwhile()
      throw new StoreError(trouble, new Error(trouble))
    }
    const release = async ({ id, token }: ClaimRef): Promise<Written> => {
      released.push({ id, token })
      return 'written'
    }
    const store = { retry: { add }, settle: { add }, release: { add: release } } as unknown as Store
    taking = take(
      {
        store,
        running,
        trust,
        log,
        meters,
        lanes: { pressed: () => false, waits: () => {}, over: () => over },
        states: { gate: () => {}, answered: () => void (heard += 1), ended: () => {} },
        lacking: new Seldom(),
        dispatch: { orphaned: () => {} },
      },
      sent,
    )
  }

  it('of the end leaves room for another request at once, and its task runs until it is written', async () => {
    const end = { kind: 'settle', step: 0, attempt: 1, status: 'complete', result: '{}', omitted: false, failure: null }
    report('written', { id: '1', token: 11, ...end } as Report)
    expect([task.answered, task.writing, running.has(task)]).to.deep.equal([true, true, true])
    await taking
    expect(running.has(task)).to.equal(false)
  })

  it('of a try that is repeated keeps the room of its request', async () => {
    report()
    await taking
    expect([task.answered, running.has(task)]).to.deep.equal([false, true])
  })

  it('of a granted request tells of an answer, and not of a try that met nobody or never began', async () => {
    running.drop(task)
    task = aTask({ granted: true })
    running.add(task)
    report()
    await taking
    expect(heard).to.equal(0)
    report('written', { ...RETRY, failure: { code: 'service_unavailable', detail: 'busy', status: 502 } })
    await taking
    expect(heard).to.equal(1)
    const late = { kind: 'settle', step: 0, attempt: 1, status: 'failed', result: null, omitted: false }
    report('written', { ...RETRY, ...late, failure: { code: 'deadline_exceeded', detail: 'late' } } as Report)
    await taking
    expect(heard).to.equal(1)
  })

  it('of a loop of which too many run gives its task back, and its actor stops', async () => {
    over = true
    report()
    await taking
    expect(released).to.deep.equal([{ id: '1', token: 11 }])
    expect(told).to.deep.equal([{ kind: 'stop', id: '1', token: 11 }])
    expect(running.has(task)).to.equal(false)
  })

  it('is written again after a defect that passes, and its actor goes on', async () => {
    troubles = Array<Trouble>(4).fill('bug')
    report()
    await clock.tickAsync(3_999)
    expect([tries, task.writing, told]).to.deep.equal([4, true, []])
    await clock.tickAsync(1)
    await taking
    expect(tries).to.equal(5)
    expect(told).to.deep.equal([{ kind: 'go', id: '1', token: 11, attempt: 2, epoch: 0, sends: undefined }])
    expect([running.has(task), task.writing, task.attempt]).to.deep.equal([true, false, 2])
    const errors = lines.filter(({ level }) => level >= 50)
    expect(errors.map(({ msg }) => msg)).to.deep.equal(Array(4).fill('a report could not be written yet'))
  })

  it('is given up after five tries: its actor stops, and the row is left to the sync', async () => {
    troubles = Array<Trouble>(9).fill('bug')
    report()
    await clock.tickAsync(4_000)
    await taking
    expect(tries).to.equal(5)
    expect(told).to.deep.equal([{ kind: 'stop', id: '1', token: 11 }])
    expect(running.has(task)).to.equal(false)
  })

  it('is not written again when the task was deleted meanwhile', async () => {
    troubles = Array<Trouble>(9).fill('bug')
    meanwhile = () => void running.drop(task)
    report()
    await taking
    expect(tries).to.equal(1)
    expect(told).to.deep.equal([])
  })

  describe('of a claim that is not ours any more', () => {
    const now = (): bigint => process.hrtime.bigint()
    const WINDOW = 60_000_000_000n
    const logged = async (): Promise<(string | number)[][]> => {
      report('lost')
      await taking
      expect(told).to.deep.equal([{ kind: 'stop', id: '1', token: 11 }])
      return lines.map(({ level, msg }) => [level, msg])
    }

    it('is no warning while the lease holds: the task was deleted', async () => {
      trust.extend(now(), now(), WINDOW)
      expect(await logged()).to.deep.equal([[30, 'the claim is not ours any more']])
    })

    it('is no warning while this node stops', async () => {
      trust.extend(now(), now(), WINDOW)
      trust.close()
      expect(await logged()).to.deep.equal([[30, 'the claim is not ours any more']])
    })

    it('is a warning where the lease has run out: another node may have it', async () => {
      trust.extend(now() - 2n * WINDOW, now(), WINDOW)
      expect(await logged()).to.deep.equal([[40, 'the claim is not ours any more']])
    })

    it('is a warning where the lease had run out since the claim', async () => {
      trust.extend(now(), now(), WINDOW)
      trust.revoke()
      trust.extend(now(), now(), WINDOW)
      expect([task.epoch, trust.epoch]).to.deep.equal([1, 2])
      expect(await logged()).to.deep.equal([[40, 'the claim is not ours any more']])
    })
  })

  it('is not repeated when no repeat will help', async () => {
    troubles = ['notSent']
    report()
    await taking
    expect([tries, running.has(task)]).to.deep.equal([1, false])
  })
})
