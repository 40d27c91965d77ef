// What a retry goes on with where a task has answered 206 as often as it may.
import { expect } from 'chai'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

describe('a retry of a task that ended by maxSteps', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  it('goes on behind the last answer, with its body, and may take as many steps again', async () => {
    const { url } = await world.node({ services: { svc: { maxSteps: 3, attemptLog: 'all', keepStates: 9 } } })
    const { location } = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'steps.5', payload: { at: 0 } })
    const old = await ended(url, location)
    expect(old).to.deep.include({ status: 'failed', step: 3, state: { at: 3 } })
    expect(old.error).to.include({ code: 'too_many_steps' })
    expect(world.service.of(location)).to.have.length(3)
    const retry = await ask('POST', `${url}${location}/retry`)
    expect(await ended(url, retry.location)).to.deep.include({ status: 'complete', step: 5, result: { at: 6 } })
    const asked = world.service.of(retry.location).map(({ step, body }) => [step, String(body)])
    expect(asked).to.deep.equal([
      [3, '{"at":3}'],
      [4, '{"at":4}'],
      [5, '{"at":5}'],
    ])
  })
})
