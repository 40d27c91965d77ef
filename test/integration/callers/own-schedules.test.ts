// A schedule that becomes another caller's between the look at it and the change of it.
import { expect } from 'chai'
import { type Bench, openBench } from '../../support/bench.ts'

describe('a paused schedule', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  it('is not resumed by who has read it, where another caller has made it again since', async () => {
    const { schedules } = bench.store
    const task = { service: 'svc', action: 'a', payload: '{}', schedule: 's' }
    const when = { cron: '0 3 * * *', timezone: 'UTC' }
    const schedule = { name: 's', ...when, task, overlap: 'allow', missed: 'one', paused: true } as const
    const next = Date.now() + 3_600_000
    await schedules.put(schedule, next, { caller: 'ann', bounds: { caller: 'ann' } })
    const read = await schedules.read('s', { caller: 'ann' })
    await schedules.remove('s')
    await schedules.put(schedule, next, { caller: 'bob', bounds: { caller: 'bob' } })
    if (!read) throw new Error('ann has no schedule')
    expect(await schedules.resume(read.schedule, next, { caller: 'ann' })).to.equal(false)
    expect((await schedules.read('s', { caller: 'bob' }))?.schedule.paused).to.equal(true)
    expect(await schedules.resume(read.schedule, next, { caller: 'bob' })).to.equal(true)
  })
})
