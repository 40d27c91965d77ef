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

  it('may be told how many letters may differ', () => {
    expect(nearest('timout', known, 1)).to.equal('timeout')
    expect(nearest('tmout', known, 1)).to.equal(undefined)
    expect(nearest('TIMEOUT', known, 0)).to.equal('timeout')
  })

  it('does a bounded amount of work, whatever is typed and however much is known', () => {
    let read = 0
    const names = function* (length: number) {
      for (let i = 0; i < 100_000; i++) yield (read++, `${i}`.padEnd(length, 'x'))
    }
    expect(nearest('y'.repeat(100), names(100))).to.equal(undefined)
    expect(read).to.be.at.most(11)
    expect(nearest('y'.repeat(1_000_000), ['y'.repeat(100)])).to.equal(undefined)
  })

  for (const typed of ['', 'x', 'foo', 'maximum', 'lurch']) {
    it(`takes ${JSON.stringify(typed)} for none`, () => expect(nearest(typed, known)).to.equal(undefined))
  }
})
