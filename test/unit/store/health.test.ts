import { expect } from 'chai'
import sinon from 'sinon'
import { Health, PROBE } from '../../../src/store/health.ts'
import { StoreError, type Trouble } from '../../../src/store/trouble.ts'
import { aLog, type Line } from '../supervisor/build.ts'

describe('the health of Postgres', () => {
  let clock: sinon.SinonFakeTimers
  let health: Health
  let lines: Line[]
  let agains: number
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['performance'] })
    const logged = aLog()
    lines = logged.lines
    agains = 0
    health = new Health(logged.log, () => (agains += 1))
  })
  afterEach(() => clock.restore())

  const said = (): string[] => lines.map(({ level, msg }) => `${level} ${msg}`)
  const refuse = (kind: string, code: string): void =>
    health.failed(kind, new StoreError('notSent', Object.assign(new Error('no'), { severity: 'ERROR', code })))
  const fail = (trouble: Trouble): void => health.failed('beat', new StoreError(trouble, 'away'))

  it('is that it is unreachable from the first statement that does not get through to the next that does', () => {
    fail('notSent')
    fail('unknown')
    expect([health.through, health.refusing]).to.deep.equal([false, false])
    health.succeeded('pass')
    expect(health.through).to.equal(true)
    expect(said()).to.deep.equal(['50 postgres is unreachable', '30 postgres is back'])
  })

  for (const trouble of ['conflict', 'rejected', 'bug'] as const)
    it(`is untouched by a statement that was ${trouble}`, () => {
      fail(trouble)
      expect([health.through, health.refusing, said()]).to.deep.equal([true, false, []])
    })

  for (const code of ['25006', '53100', '53300'])
    it(`is that it refuses writes from a ${code} until that kind gets through, whatever else does`, () => {
      refuse('insert', code)
      refuse('claim', code)
      expect(health.through).to.equal(false)
      health.succeeded('beat')
      refuse('insert', code)
      health.succeeded('insert')
      expect([health.through, health.refusing]).to.deep.equal([true, true])
      health.succeeded('claim')
      expect(health.refusing).to.equal(false)
      // Connections that are good are kept: only of a server that was left are they of no use.
      expect(agains).to.equal(code === '25006' ? 1 : 0)
      expect(said()).to.deep.equal(['50 postgres refuses writes', '30 postgres takes writes again'])
    })

  for (const code of ['55P03', '57014'])
    it(`is not that it refuses writes where a statement was only slow (${code}), but where a probe is`, () => {
      refuse('pass', code)
      expect([health.through, health.refusing, said()]).to.deep.equal([false, false, []])
      refuse(PROBE, code)
      expect(health.refusing).to.equal(true)
      health.probeSucceeded()
      expect([health.refusing, agains]).to.deep.equal([false, 0])
      expect(said()).to.deep.equal(['50 postgres refuses writes', '30 postgres takes writes again'])
    })

  it('is that it takes writes again when a probe gets through, or a statement that it refuses for another reason', () => {
    refuse('insert', '25006')
    health.probeSucceeded()
    refuse('insert', '25006')
    health.failed('insert', new StoreError('rejected', 'no'))
    expect(health.refusing).to.equal(false)
    expect(said()).to.have.length(4)
  })

  it('is not judged by a probe, which is small, for 10 s after there was no room', () => {
    refuse('insert', '53100')
    clock.tick(9_999)
    health.probeSucceeded()
    expect(health.refusing).to.equal(true)
    clock.tick(2)
    health.probeSucceeded()
    expect(health.refusing).to.equal(false)
  })

  it('is not spoken of when the node stops', () => {
    health.end()
    fail('notSent')
    refuse('insert', '25006')
    health.succeeded('beat')
    expect([agains, said()]).to.deep.equal([0, []])
  })
})
