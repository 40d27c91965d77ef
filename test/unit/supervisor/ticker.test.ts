import { expect } from 'chai'
import sinon from 'sinon'
import { StoreError } from '../../../src/store/trouble.ts'
import { Ticker } from '../../../src/supervisor/ticker.ts'
import { type Line, aLog } from './build.ts'

describe('a ticker', () => {
  let clock: sinon.SinonFakeTimers
  let lines: Line[]
  /** When each run began. */
  let runs: number[]
  let ticker: Ticker

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    runs = []
  })

  afterEach(async () => {
    const stopped = ticker.stop()
    await clock.tickAsync(1_000)
    await stopped
    clock.restore()
  })

  const open = async (run: () => Promise<boolean>, retry?: number, more = {}): Promise<void> => {
    const { log, lines: written } = aLog()
    lines = written
    const counted = (): Promise<boolean> => {
      runs.push(performance.now())
      return run()
    }
    ticker = new Ticker({
      name: 'test',
      every: 1_000,
      log,
      run: counted,
      ...(retry === undefined ? {} : { retry }),
      ...more,
    })
    await ticker.start()
    await clock.tickAsync(0)
  }

  const gaps = (): number[] => runs.slice(1).map((at, i) => at - (runs[i] ?? 0))

  it('runs at once, and then in its rhythm, give or take a tenth', async () => {
    await open(async () => false)
    expect(runs).to.deep.equal([0])
    await clock.tickAsync(20_000)
    expect(runs.length).to.be.within(18, 23)
    for (const gap of gaps()) expect(gap).to.be.within(899, 1_100)
    expect(new Set(gaps()).size).to.be.greaterThan(1)
  })

  it('counts from start to start: a long run makes the pause shorter', async () => {
    await open(() => new Promise((resolve) => setTimeout(() => resolve(false), 600)))
    await clock.tickAsync(1_100)
    expect(runs).to.have.length(2)
  })

  it('keeps to its share also while there is more to do, where it is paced', async () => {
    const slow = (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(runs.length < 4), 100))
    await open(slow, undefined, { share: 1 / 5, paced: true })
    await clock.tickAsync(2_700)
    expect(gaps()).to.have.length(4)
    expect(gaps().slice(0, 3)).to.deep.equal([500, 500, 500])
    expect(gaps()[3]).to.be.within(899, 1_100)
  })

  it('runs again at once while there is more to do', async () => {
    await open(async () => runs.length < 5)
    expect(runs).to.deep.equal([0, 0, 0, 0, 0])
    await clock.tickAsync(800)
    expect(runs).to.have.length(5)
  })

  it('runs one at a time', async () => {
    let end = (): void => {}
    await open(() => new Promise((resolve) => (end = () => resolve(false))))
    await clock.tickAsync(60_000)
    ticker.wake()
    await clock.tickAsync(0)
    expect(runs).to.have.length(1)
    end()
    await clock.tickAsync(0)
    expect(runs).to.have.length(2)
    end()
  })

  it('can be woken in its pause', async () => {
    await open(async () => false)
    await clock.tickAsync(10)
    ticker.wake()
    await clock.tickAsync(0)
    expect(runs).to.deep.equal([0, 10])
  })

  it('runs slower and slower while runs fail, and then in its rhythm again', async () => {
    await open(async () => {
      if (runs.length <= 8) throw new Error('no')
      return false
    })
    await clock.tickAsync(60_000)
    for (const [i, factor] of [1, 2, 3, 4, 5, 5, 5, 5, 1, 1].entries())
      expect(gaps()[i], `gap ${i}`).to.be.within(factor * 900 - 1, factor * 1_100)
    expect(lines.map(({ level, part }) => [level, part])).to.deep.equal(Array.from({ length: 8 }, () => [50, 'test']))
  })

  it('tries again soon after a failure where that was asked for', async () => {
    await open(async () => Promise.reject(new Error('no')), 300)
    await clock.tickAsync(899)
    expect(runs).to.deep.equal([0, 300, 600])
  })

  it('is not hurried by a wake that came while a run failed', async () => {
    let fail = (): void => {}
    await open(() => new Promise((_resolve, reject) => (fail = () => reject(new Error('no')))), 300)
    ticker.wake()
    fail()
    await clock.tickAsync(299)
    expect(runs).to.have.length(1)
    await clock.tickAsync(1)
    expect(runs).to.have.length(2)
    fail()
  })

  it('only whispers when Postgres is away: the store has said so already', async () => {
    await open(async () => Promise.reject(new StoreError('notSent', 'away')), 300)
    expect(lines.map(({ level }) => level)).to.deep.equal([20])
  })

  it('stops in its pause at once', async () => {
    await open(async () => false)
    await ticker.stop()
    expect(clock.countTimers()).to.equal(0)
    await clock.tickAsync(10_000)
    expect(runs).to.have.length(1)
  })

  it('waits for the run under way when it stops, though that has more to do', async () => {
    let end = (): void => {}
    await open(() => new Promise((resolve) => (end = () => resolve(true))))
    let stopped = false
    const stopping = ticker.stop().then(() => (stopped = true))
    await clock.tickAsync(10_000)
    expect(stopped).to.equal(false)
    end()
    await stopping
    expect(runs).to.have.length(1)
  })

  it('starts once, stops without a start, and starts anew', async () => {
    await open(async () => false)
    await ticker.start()
    await clock.tickAsync(0)
    expect(runs).to.have.length(1)
    await ticker.stop()
    await ticker.stop()
    await ticker.start()
    await clock.tickAsync(0)
    expect(runs).to.have.length(2)
    await new Ticker({ name: 'idle', every: 1, log: aLog().log, run: async () => false }).stop()
  })
})
