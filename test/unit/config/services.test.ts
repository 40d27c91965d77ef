import { expect } from 'chai'
import * as fc from 'fast-check'
import { RESERVED_HEADERS } from '../../../src/config/headers.ts'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { formatDuration } from '../../../src/core/units.ts'
import { faultsOf, read, service, URL_LINE } from './reading.ts'

/** Path and found of every fault. */
const found = (...lines: string[]) => faultsOf(service(...lines)).map((fault) => [fault.path, fault.found])

/** A file with one service of this name. */
const named = (name: string) => ({ 'task_api.yaml': `services: { ${name}: { url: "http://a" } }` })

describe('the services file', () => {
  it('gives a service the defaults of the contract', () => {
    expect(read(service(URL_LINE)).services.get('a')).to.deep.equal({
      name: 'a',
      url: 'http://a.internal/{action}',
      timeout: 30_000,
      concurrency: 100,
      retry: { attempts: 20, backoff: 250, maxBackoff: 30_000 },
      maxSteps: 100_000,
      deadline: 604_800_000,
      attemptLog: 'failures',
      keepStates: 0,
      gate: false,
      pauseAfter: 0,
      allowLinkLocal: false,
      headers: {},
    })
    expect(read(service(URL_LINE)).services.get('a')).to.deep.include({ ...SERVICE_DEFAULTS })
  })

  it('sets every value', () => {
    const config = read(
      service(
        'url: https://a.internal/x?do={action}',
        'timeout: 250ms',
        'concurrency: 7',
        'retry: { attempts: 0, backoff: 1s, maxBackoff: 1m, on: [500, 404] }',
        'maxSteps: 0',
        'deadline: 0',
        'attemptLog: all',
        'keepStates: 100',
        'onCancel: undo',
        'callback: { service: a, action: seen, on: failed }',
        'limit: { concurrency: 10, rate: 50/s, burst: 5 }',
        'gate: true',
        'pauseAfter: 3',
        'allowLinkLocal: true',
        'headers: { Authorization: Bearer abc, X-Empty: "" }',
      ),
    )
    expect(config.file).to.equal('/w/task_api.yaml')
    expect(config.services.get('a')).to.deep.equal({
      name: 'a',
      url: 'https://a.internal/x?do={action}',
      timeout: 250,
      concurrency: 7,
      retry: { attempts: 0, backoff: 1000, maxBackoff: 60_000, on: [500, 404] },
      maxSteps: 0,
      deadline: 0,
      attemptLog: 'all',
      keepStates: 100,
      onCancel: 'undo',
      callback: { service: 'a', action: 'seen', on: 'failed' },
      limit: { concurrency: 10, rate: '50/s', burst: 5 },
      gate: true,
      pauseAfter: 3,
      allowLinkLocal: true,
      headers: { Authorization: 'Bearer abc', 'X-Empty': '' },
    })
  })

  for (const [path, line] of [
    ['timeout', 'timeout: 30'],
    ['timeout', 'timeout: 0'],
    ['timeout', 'timeout: 25h'],
    ['timeout', 'timeout: 1.5s'],
    ['timeout', 'timeout:'],
    ['concurrency', 'concurrency: 0'],
    ['concurrency', 'concurrency: 1.5'],
    ['concurrency', 'concurrency: "7"'],
    ['concurrency', 'concurrency: 100001'],
    ['retry', 'retry: 5'],
    ['retry.attempts', 'retry: { attempts: -1 }'],
    ['retry.backoff', 'retry: { backoff: 0 }'],
    ['retry.backoff', 'retry: { backoff: 31s }'],
    ['retry.backoff', 'retry: { backoff: 31s, attempts: x }', 'retry.attempts'],
    ['retry.maxBackoff', 'retry: { maxBackoff: 249ms }'],
    ['retry.maxBackoff', 'retry: { maxBackoff: 2d }'],
    ['retry.on', 'retry: { on: 500 }'],
    ['retry.on', 'retry: { on: [500, 500] }'],
    ['retry.on.0', 'retry: { on: [399] }'],
    ['retry.on.1', 'retry: { on: [500, 600] }'],
    ['retry.on.0', 'retry: { on: ["500"] }'],
    ['maxSteps', 'maxSteps: -1'],
    ['maxSteps', 'maxSteps: 3000000000'],
    ['deadline', 'deadline: 7'],
    ['deadline', 'deadline: -1s'],
    ['deadline', 'deadline: 3651d'],
    ['onCancel', 'onCancel: a b'],
    ['headers', 'headers: [a]'],
    ['headers', 'headers:'],
  ] as const) {
    it(`refuses ${line}`, () => {
      expect(faultsOf(service(URL_LINE, line)).map((fault) => fault.path)).to.include(`services.a.${path}`)
    })
  }

  it('accepts a backoff as long as maxBackoff', () => {
    expect(found(URL_LINE, 'retry: { backoff: 30s }')).to.deep.equal([])
    expect(found(URL_LINE, 'retry: { maxBackoff: 250ms }')).to.deep.equal([])
  })

  for (const [text, expected] of [
    ['ftp://a/', 'begins with http'],
    ['a.internal/x', 'begins with http'],
    ['http:a', 'begins with http'],
    ['http:///a', 'absolute URL'],
    ['http://', 'absolute URL'],
    ['http://a:99999/', 'absolute URL'],
    ['http://a b/', 'without spaces'],
    ['http://a\\{action}', 'without spaces, line breaks and backslashes'],
    ['http://u:p@a/', 'without user and password'],
    ['http://a/#x', 'without a fragment'],
    ['http://{action}.a/', '{action} in the path or the query only'],
    ['http://a:{action}/', '{action} in the path or the query only'],
    ['http://a/{acton}', 'no braces but'],
    ['http://a/{{action}}', 'no braces but'],
    ['http://a\u0000/', 'control characters'],
    ['http://a/\u0001', 'control characters'],
    ['http://a,b/', 'one host name'],
    ['http://a:1,b:2/', 'absolute URL'],
    ['http://*/', 'one host name'],
    ['http://../', 'one host name'],
    ['http://a..b/', 'one host name'],
    [`http://${'a'.repeat(300)}/`, 'one host name'],
    ['http://256.0.0.1/', 'absolute URL'],
    ['http://[::1/', 'absolute URL'],
    ['http://a%2fb/', 'absolute URL'],
    ['http://a:0/', 'a port from 1'],
    ['http://a:-1/', 'absolute URL'],
    ['http://a/100%', '% is written %25'],
    ['http://a/%{action}', '% is written %25'],
    ['http://a/?x=%zz', '% is written %25'],
  ] as const) {
    it(`refuses the URL ${JSON.stringify(text)}`, () => {
      const faults = faultsOf(service(`url: ${JSON.stringify(text)}`))
      expect(faults.map((fault) => fault.path)).to.deep.equal(['services.a.url'])
      expect(faults[0]?.expected).to.include(expected)
    })
  }

  for (const text of [
    'http://a',
    'HTTPS://a:8080/x/',
    'http://[::1]:80/{action}/x',
    'http://a/{action}?b={action}',
    'http://a?x=1',
    'http://a.',
    'http://café.example/',
    'http://a/100%25',
  ]) {
    it(`accepts the URL ${text}`, () => expect(found(`url: '${text}'`)).to.deep.equal([]))
  }

  it('hides user, password and query of a faulty URL', () => {
    expect(found('url: ftp://u:secret@a/x?code=secret&go={action}')).to.deep.equal([
      ['services.a.url', '"ftp://(hidden)@a/x?code=(hidden)&go={action}"'],
    ])
  })

  for (const name of [...RESERVED_HEADERS, 'content-type', 'TASK-STEP', 'host', 'idempotency-KEY']) {
    it(`refuses the header ${name}, which is taken`, () => {
      expect(found(URL_LINE, `headers: { ${name}: secret }`)).to.deep.equal([
        [`services.a.headers.${name}`, '(hidden)'],
      ])
    })
  }

  for (const [what, line] of [
    ['a name with a space', 'headers: { "A B": x }'],
    ['an empty name', 'headers: { "": x }'],
    ['a name beyond ASCII', 'headers: { Ä: x }'],
    ['a value with a line break', String.raw`headers: { A: "x\r\nB: y" }`],
    ['a value with NUL', String.raw`headers: { A: "x\0" }`],
    ['a value with a space at its end', 'headers: { A: "x " }'],
    ['a value beyond Latin-1', 'headers: { A: € }'],
    ['a value that is no text', 'headers: { A: 1 }'],
    ['a name that differs from another only in case', 'headers: { a: x, A: y }'],
  ] as const) {
    it(`refuses a header with ${what}, and hides it`, () => {
      expect(found(URL_LINE, line).map(([, shown]) => shown)).to.deep.equal(['(hidden)'])
    })
  }

  it('names unknown keys, and what was probably meant', () => {
    expect(found(URL_LINE, 'timout: 3s', 'colour: red', 'retry: { maxbackof: 1s }')).to.deep.equal([
      ['services.a.timout', '"timout": did you mean timeout?'],
      ['services.a.colour', '"colour"'],
      ['services.a.retry.maxbackof', '"maxbackof": did you mean maxBackoff?'],
    ])
    const faults = faultsOf({ 'task_api.yaml': 'services: { a: { url: http://a } }\nservice: {}' })
    expect(faults.map((fault) => fault.found)).to.deep.equal(['"service": did you mean services?'])
  })

  it('does not show the value of an unknown key', () => {
    expect(JSON.stringify(faultsOf(service(URL_LINE, 'header: { Authorization: secret }')))).not.to.include('secret')
  })

  for (const name of ['a b', '', 'ä', 'a/b', 'a b'.repeat(34)]) {
    it(`refuses the service name ${JSON.stringify(name)}`, () => {
      const faults = faultsOf({ 'task_api.yaml': `services: { ${JSON.stringify(name)}: { url: "http://a" } }` })
      expect(faults.map((fault) => fault.path)).to.deep.equal([`services["${name}"]`])
    })
  }

  it('accepts the names that JavaScript keeps for itself, save __proto__', () => {
    for (const name of ['constructor', 'toString', '007', '...', 'true']) {
      expect([...read(named(name)).services.keys()]).to.deep.equal([name])
    }
    expect(faultsOf(named('__proto__')).map((fault) => fault.path)).to.include('services.__proto__')
  })

  it('needs a url', () => expect(found('timeout: 3s')).to.deep.equal([['services.a.url', 'nothing']]))

  it('reads back every duration that is printed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000 }), (timeout) => {
        const config = read(service(URL_LINE, `timeout: ${formatDuration(timeout)}`))
        expect(config.services.get('a')?.timeout).to.equal(timeout)
      }),
    )
  })
})
