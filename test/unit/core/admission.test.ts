// Which requests of a service may begin, as a table; and that every thread sees it.
import { expect } from 'chai'
import { type Admission, admissionBuffer, admissionIn, admissionOf, admit } from '../../../src/core/admission.ts'

const FREE = { paused: false, gatedFor: null, limited: false }

describe('the admission of a service', () => {
  for (const [what, standing, expected] of [
    ['nothing holds', FREE, 'all'],
    ['it has a limit', { ...FREE, limited: true }, 'granted'],
    ['it is paused', { ...FREE, paused: true }, 'none'],
    ['it is paused and has a limit', { ...FREE, paused: true, limited: true }, 'none'],
    ['its gate is closed', { ...FREE, gatedFor: 1 }, 'none'],
    ['its gate is closed and it has a limit', { ...FREE, gatedFor: 1, limited: true }, 'none'],
    ['the time of its gate is over, so that one request goes alone', { ...FREE, gatedFor: 0 }, 'granted'],
  ] as const)
    it(`is ${expected} where ${what}`, () => expect(admissionOf(standing)).to.equal(expected))

  it('is seen by whoever shares its memory, and is all at first', () => {
    const buffer = admissionBuffer()
    const seen = admissionIn(buffer)
    expect(seen()).to.equal('all')
    for (const admission of ['none', 'granted', 'all'] satisfies Admission[]) {
      admit(buffer, admission)
      expect(seen()).to.equal(admission)
    }
  })
})
