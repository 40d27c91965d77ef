import { expect } from 'chai'
import { readableLine, silentLog } from '../../../src/telemetry/log.ts'

describe('a readable line of the log', () => {
  const line = (more: object): string =>
    readableLine(JSON.stringify({ level: 30, time: '2026-01-02T03:04:05.678Z', ...more }))

  it('has the time of day and the message', () => {
    expect(line({ msg: 'listening' })).to.equal('03:04:05.678 listening\n')
  })

  it('has the rest as pairs: texts as they are, all else as JSON', () => {
    expect(line({ msg: 'listening', url: 'http://a/', n: 3, list: [1], none: null, err: { type: 'Error' } })).to.equal(
      '03:04:05.678 listening  url=http://a/  n=3  list=[1]  none=null  err={"type":"Error"}\n',
    )
  })

  for (const [level, word] of [
    [10, 'trace '],
    [20, 'debug '],
    [30, ''],
    [35, ''],
    [40, 'warn '],
    [50, 'error '],
    [60, 'fatal '],
  ] as const)
    it(`begins with ${word === '' ? 'no word' : word} at level ${level}`, () => {
      expect(line({ level, msg: 'so' })).to.equal(`03:04:05.678 ${word}so\n`)
    })

  it('leaves out the id of the node: a terminal shows one', () => {
    expect(line({ msg: 'so', node: 'n', n: 1 })).to.equal('03:04:05.678 so  n=1\n')
  })

  it('needs no message', () => {
    expect(line({ n: 1 })).to.equal('03:04:05.678   n=1\n')
  })
})

describe('the silent log', () => {
  it('says nothing at any level', () => {
    for (const level of ['trace', 'info', 'fatal']) expect(silentLog().isLevelEnabled(level)).to.equal(false)
  })
})
