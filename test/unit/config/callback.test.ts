// The callback that a service has for its tasks.
import { expect } from 'chai'
import { faultsOf, read, service, URL_LINE } from './reading.ts'

/** Path and found of every fault. */
const found = (...lines: string[]) => faultsOf(service(...lines)).map((fault) => [fault.path, fault.found])

describe('the callback of a service', () => {
  for (const [path, line] of [
    ['callback', 'callback: seen'],
    ['callback.action', 'callback: { service: a }'],
    ['callback.action', 'callback: { service: a, action: .. }'],
    ['callback.service', 'callback: { action: seen }'],
    ['callback.service', 'callback: { service: nobody, action: seen }'],
    ['callback.on', 'callback: { service: a, action: seen, on: complete }'],
  ] as const)
    it(`refuses ${line}`, () => {
      expect(faultsOf(service(URL_LINE, line)).map((fault) => fault.path)).to.include(`services.a.${path}`)
    })

  it('is told of every end where nothing else is said', () => {
    const { services } = read(service(URL_LINE, 'callback: { service: a, action: seen }'))
    expect(services.get('a')?.callback).to.deep.equal({ service: 'a', action: 'seen', on: 'end' })
  })

  it('names what the file does not have, and what may be meant', () => {
    const file = {
      'task_api.yaml': 'services:\n  audit: { url: "http://a", callback: { service: audti, action: seen } }',
    }
    expect(faultsOf(file)).to.deep.equal([
      {
        source: '/w/task_api.yaml',
        line: 2,
        path: 'services.audit.callback.service',
        expected: 'a service of this file',
        found: '"audti": did you mean audit?',
      },
    ])
    expect(found(URL_LINE, 'callback: { service: nobody, action: seen }')).to.deep.equal([
      ['services.a.callback.service', '"nobody"'],
    ])
    expect(found(URL_LINE, 'callback: { service: a, action: seen, onn: end }')).to.deep.equal([
      ['services.a.callback.onn', '"onn": did you mean on?'],
    ])
  })
})
