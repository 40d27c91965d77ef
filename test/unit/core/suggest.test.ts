import { expect } from 'chai'
import { nearest } from '../../../src/core/suggest.ts'

describe('nearest', () => {
  const known = ['timeout', 'concurrency', 'retry', 'maxSteps', 'deadline', 'headers', 'url']

  for (const [typed, meant] of [
    ['timout', 'timeout'],
    ['tiemout', 'timeout'],
    ['Timeout', 'timeout'],
    ['maxsteps', 'maxSteps'],
    ['header', 'headers'],
    ['ulr', 'url'],
    ['retrry', 'retry'],
  ] as const) {
    it(`takes ${typed} for ${meant}`, () => expect(nearest(typed, known)).to.equal(meant))
  }

  for (const typed of ['', 'x', 'foo', 'maximum', 'lurch']) {
    it(`takes ${JSON.stringify(typed)} for none`, () => expect(nearest(typed, known)).to.equal(undefined))
  }
})
