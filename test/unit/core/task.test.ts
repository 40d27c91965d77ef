// Ids, statuses and locations of tasks, as tables.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { isStatus, isTaskId, locationOf, STATUSES } from '../../../src/core/task.ts'

describe('core/task', () => {
  const ids: [string, boolean][] = [
    ['1', true],
    ['42', true],
    ['9007199254740993', true],
    ['999999999999999999', true],
    ['9223372036854775807', true],
    ['9223372036854775808', false],
    ['9999999999999999999', false],
    ['10000000000000000000', false],
    ['0', false],
    ['-1', false],
    ['+1', false],
    ['01', false],
    ['1.0', false],
    ['1e3', false],
    ['0x10', false],
    [' 1', false],
    ['1 ', false],
    ['1\n', false],
    ['1_000', false],
    ['１', false],
    ['١', false],
    ['1\u0000', false],
    ['..', false],
    ['%31', false],
    ['', false],
  ]
  for (const [text, verdict] of ids) {
    it(`${verdict ? 'takes' : 'does not take'} ${JSON.stringify(text)} for an id`, () => {
      expect(isTaskId(text)).to.equal(verdict)
    })
  }

  it('takes exactly the positive bigints of Postgres in plain digits for ids', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -10n, max: 2n ** 65n }), (number) => {
        expect(isTaskId(String(number))).to.equal(number >= 1n && number < 2n ** 63n)
      }),
    )
  })

  it('names the location of a task by a path without a host', () => {
    expect(locationOf('1')).to.equal('/tasks/1')
  })

  it('knows the four statuses and nothing that objects inherit', () => {
    expect(Object.keys(STATUSES).filter(isStatus)).to.deep.equal(['pending', 'running', 'complete', 'failed'])
    for (const text of ['', 'Pending', 'cancelled', 'constructor', '__proto__', 'toString']) {
      expect(isStatus(text), text).to.equal(false)
    }
  })

  it('moves from pending on to an end, and never further', () => {
    expect(STATUSES.pending.next).to.deep.equal(['running', 'failed'])
    expect(STATUSES.running.next).to.deep.equal(['complete', 'failed'])
    expect(STATUSES.complete.next).to.deep.equal([])
    expect(STATUSES.failed.next).to.deep.equal([])
  })
})
