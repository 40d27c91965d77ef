// The same loop when a reload of the services file changes or removes its service.
import { expect } from 'chai'
import { Rig } from './rig.ts'

describe('an actor whose service is changed', () => {
  let rig: Rig

  afterEach(() => rig.close())

  const change = (over: object): void => {
    if (rig.service) rig.service = { ...rig.service, ...over }
  }

  it('goes by the new configuration from its next request on, and not before', async () => {
    rig = await Rig.open({ service: { timeout: 1_000, maxSteps: 9 } })
    change({ timeout: 50, maxSteps: 1, attemptLog: 'all' })
    await rig.answer(206, '{"n":1}', 100)
    expect(rig.told).to.include({ kind: 'checkpoint', wait: null, tried: undefined })
    await rig.go()
    await rig.pass(100)
    expect(rig.told)
      .to.include({ kind: 'settle', status: 'failed' })
      .and.have.nested.property('failure.code', 'too_many_steps')
    expect(rig.requests.map(({ timeout }) => timeout)).to.deep.equal([1_000])
  })

  it('has the new time limit and the new deadline', async () => {
    rig = await Rig.open()
    change({ timeout: 50, deadline: 5_000 })
    await rig.answer(206, '{"n":1}')
    await rig.go()
    expect(rig.requests.map(({ timeout }) => timeout)).to.deep.equal([30_000, 50])
    await rig.pass(5_000)
    await rig.answer(206, '{"n":2}')
    await rig.go()
    expect(rig.told).to.have.nested.property('failure.code', 'deadline_exceeded')
  })

  for (const [name, status] of [
    ['a checkpoint', 206],
    ['a retry', 503],
  ] as const)
    it(`gives its task back after ${name} when the service was removed`, async () => {
      rig = await Rig.open()
      rig.service = undefined
      await rig.answer(status, '{"n":1}')
      await rig.pass(250)
      await rig.go()
      expect([rig.told, rig.over, rig.requests.length]).to.deep.equal([{ kind: 'release' }, true, 1])
    })

  it('completes by an answer that comes after the service was removed', async () => {
    rig = await Rig.open()
    rig.service = undefined
    await rig.answer(200, '{"n":1}')
    expect(rig.told).to.include({ kind: 'settle', status: 'complete', result: '{"n":1}' })
  })
})
