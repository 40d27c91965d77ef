// How long ended tasks are kept, as the services file says it.
import { expect } from 'chai'
import { purgesAny, RETENTION_DEFAULTS, retainedBy, saysRetention } from '../../../src/core/retention.ts'
import { faultsOf, type Files, read, service, URL_LINE } from './reading.ts'

const DAY = 86_400_000
const file = (retention: string, own = ''): Files => ({
  'task_api.yaml': `retention: ${retention}\nservices:\n  a: { url: "http://a"${own} }\n  b: { url: "http://b" }`,
})

describe('the retention', () => {
  for (const [retention, path] of [
    ['30d', 'retention'],
    ['{ complete: 30 }', 'retention.complete'],
    ['{ failed: -1d }', 'retention.failed'],
    ['{ failed: 3651d }', 'retention.failed'],
    ['{ completed: 30d }', 'retention.completed'],
  ] as const)
    it(`is refused: ${retention}`, () => {
      expect(faultsOf(file(retention)).map((fault) => fault.path)).to.deep.equal([path])
      const own = faultsOf(service(URL_LINE, `retention: ${retention}`))
      expect(own.map((fault) => fault.path)).to.deep.equal([`services.a.${path}`])
    })

  it('names what may be meant', () => {
    const [fault] = faultsOf(file('{ completed: 30d }'))
    expect(fault).to.include({ expected: 'one of complete, failed', found: '"completed": did you mean complete?' })
  })

  const retained = (files: Files, defaults = {}) => {
    const { services, retention } = read(files)
    return retainedBy(services, retention, defaults)
  }

  it('of a service replaces that of the file, which replaces the defaults, member by member', () => {
    const { complete, failed } = RETENTION_DEFAULTS
    expect(retained(service(URL_LINE), RETENTION_DEFAULTS)).to.deep.equal({
      services: { a: { complete, failed } },
      others: { complete, failed },
    })
    expect(retained(file('{ complete: 2d }', ', retention: { failed: 0 }'), RETENTION_DEFAULTS)).to.deep.equal({
      services: { a: { complete: 2 * DAY, failed: 0 }, b: { complete: 2 * DAY, failed } },
      others: { complete: 2 * DAY, failed },
    })
  })

  it('is for ever where it is 0, and where nothing is said and there are no defaults', () => {
    for (const [files, any] of [
      [service(URL_LINE), false],
      [file('{ complete: 0, failed: 0 }'), false],
      [file('{ complete: 1d }'), true],
      [file('{}', ', retention: { failed: 1ms }'), true],
    ] as const)
      expect(purgesAny(retained(files))).to.equal(any)
  })

  it('is said also by a 0', () => {
    const says = (files: Files): boolean => {
      const { services, retention } = read(files)
      return saysRetention(services, retention)
    }
    expect([says(service(URL_LINE)), says(file('{}')), says(file('{ failed: 0 }'))]).to.deep.equal([false, false, true])
    expect(says(file('{}', ', retention: { complete: 0 }'))).to.equal(true)
  })
})
