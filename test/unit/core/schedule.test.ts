// What is decided when a time of a schedule has come, and which times it shows.
import { expect } from 'chai'
import { MISSED_AFTER_MS, nextTimes, type Schedule, turnOf } from '../../../src/core/schedule.ts'

const AT = Date.UTC(2027, 0, 1, 3)
const MINUTE = 60_000

const aSchedule = (given: Partial<Schedule> = {}): Schedule => ({
  name: 'nightly',
  cron: '* * * * *',
  timezone: 'UTC',
  task: { service: 'svc', action: 'ok', payload: '{}' },
  overlap: 'allow',
  missed: 'one',
  paused: false,
  nextAt: AT,
  lastAt: null,
  lastTask: null,
  ...given,
})

describe('a time of a schedule that has come', () => {
  it('makes a task, and the next one is the time after it', () => {
    for (const missed of ['one', 'none'] as const)
      expect(turnOf(aSchedule({ missed }), AT + 5)).to.deep.equal({ nextAt: AT + MINUTE, makes: true })
  })

  it('makes a task though the time after it has come as well', () => {
    expect(turnOf(aSchedule({ cron: '* * * * * *' }), AT + 30_000)).to.deep.equal({ nextAt: AT + 1_000, makes: true })
  })

  it('was not missed while it is 60 s late', () => {
    const late = aSchedule({ missed: 'none' })
    expect(turnOf(late, AT + MISSED_AFTER_MS)).to.deep.equal({ nextAt: AT + MINUTE, makes: true })
    expect(turnOf(late, AT + MISSED_AFTER_MS + 1)).to.deep.equal({ nextAt: AT + MINUTE, makes: false })
  })

  it('was missed with all that are more than 60 s late: one task for all of them, or none', () => {
    const now = AT + 10 * MINUTE + 20_000
    expect(turnOf(aSchedule(), now)).to.deep.equal({ nextAt: AT + 10 * MINUTE, makes: true })
    expect(turnOf(aSchedule({ missed: 'none' }), now)).to.deep.equal({ nextAt: AT + 10 * MINUTE, makes: false })
    // To the millisecond: that of 60 s ago was not missed.
    expect(turnOf(aSchedule(), AT + 11 * MINUTE)?.nextAt).to.equal(AT + 10 * MINUTE)
  })

  it('was missed by years at no cost', () => {
    const now = AT + 3 * 365 * 86_400_000
    expect(turnOf(aSchedule({ cron: '* * * * * *' }), now)).to.deep.equal({ nextAt: now - MINUTE, makes: true })
  })

  it('is the last where none follows', () => {
    expect(turnOf(aSchedule({ cron: '0 0 30 2 *' }), AT)).to.equal(undefined)
  })
})

describe('the times that a schedule shows', () => {
  it('are five, and the first is its next one, also where that has come', () => {
    const times = [0, 1, 2, 3, 4].map((i) => AT + i * MINUTE)
    expect(nextTimes(aSchedule(), AT - 5)).to.deep.equal(times)
    expect(nextTimes(aSchedule(), AT + 5)).to.deep.equal(times)
  })

  it('of a paused one begin after now', () => {
    expect(nextTimes(aSchedule({ paused: true }), AT - 5)[0]).to.equal(AT)
    expect(nextTimes(aSchedule({ paused: true }), AT + 90_000)).to.deep.equal(
      [2, 3, 4, 5, 6].map((i) => AT + i * MINUTE),
    )
  })

  it('are only the next one where this node does not know the zone', () => {
    expect(nextTimes(aSchedule({ timezone: 'Mars/Olympus' }), AT)).to.deep.equal([AT])
  })
})
