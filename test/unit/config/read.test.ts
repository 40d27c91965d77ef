import { expect } from 'chai'
import { CONFIG_EXIT_CODE, ConfigError, describeFaults } from '../../../src/config/faults.ts'
import { faultsOf, type Files, read, service, URL_LINE } from './reading.ts'

const FINE = 'services: { a: { url: "http://a" } }'

/** Path, expected and found of every fault. */
const rows = (files: Files, env = {}) =>
  faultsOf(files, env).map(({ path, expected, found }) => [path, expected, found])

describe('readConfig', () => {
  it('registers no service and names no file without a file', () => {
    const config = read({})
    expect(config).not.to.have.property('file')
    expect(config.services.size).to.equal(0)
  })

  it('reads JSON too', () => {
    const config = read({ 'task_api.json': '{\n\t"$schema": "x",\n\t"services": { "a": { "url": "http://a" } }\n}' })
    expect(config.file).to.equal('/w/task_api.json')
    expect([...config.services.keys()]).to.deep.equal(['a'])
  })

  it('reads the file that TASK_API_CONFIG names, and no other', () => {
    const files = {
      'task_api.yaml': 'nonsense',
      'etc/services.conf': FINE,
      '/etc/x.json': '{"services":{"a":{"url":"http://a"}}}',
    }
    expect(read(files, { TASK_API_CONFIG: 'etc/services.conf' }).file).to.equal('/w/etc/services.conf')
    expect(read(files, { TASK_API_CONFIG: '/etc/x.json' }).file).to.equal('/etc/x.json')
  })

  it('refuses a file that TASK_API_CONFIG names and that is not there', () => {
    expect(rows({ 'task_api.yaml': FINE }, { TASK_API_CONFIG: 'no.yaml' })).to.deep.equal([
      ['TASK_API_CONFIG', 'a file that can be read', '/w/no.yaml: it is not there'],
    ])
    expect(rows({ d: { code: 'EISDIR' } }, { TASK_API_CONFIG: 'd' })[0]?.[2]).to.equal('/w/d: a directory')
  })

  it('refuses a file that it may not read', () => {
    expect(rows({ 'task_api.yaml': { code: 'EACCES' } })).to.deep.equal([
      ['', 'a file that can be read', 'no permission to read it'],
    ])
  })

  it('refuses two files at once', () => {
    const faults = faultsOf({ 'task_api.yaml': FINE, 'task_api.json': '{"services":{}}' })
    expect(faults.map(({ source, found }) => [source, found])).to.deep.equal([
      ['/w/task_api.yaml', '2 of them'],
      ['/w/task_api.json', '2 of them'],
    ])
  })

  it('refuses task_api.yml rather than not seeing it', () => {
    expect(rows({ 'task_api.yml': FINE })).to.deep.equal([['', 'the name task_api.yaml', 'task_api.yml']])
  })

  for (const [what, files] of [
    ['an empty file', { 'task_api.yaml': '' }],
    ['nothing but a comment', { 'task_api.yaml': '# services\n' }],
    ['plain text', { 'task_api.yaml': 'services' }],
    ['a list', { 'task_api.yaml': '- services' }],
    ['services without a value', { 'task_api.yaml': 'services:' }],
    ['no services', { 'task_api.yaml': '{}' }],
    ['a list of services', { 'task_api.yaml': 'services: [a]' }],
    ['null as JSON', { 'task_api.json': 'null' }],
    ['an empty JSON file', { 'task_api.json': '' }],
    ['JSON with a comment', { 'task_api.json': '{"services": {}} // none' }],
    ['JSON with a trailing comma', { 'task_api.json': '{"services": {},}' }],
    ['two documents', { 'task_api.yaml': `${FINE}\n---\n${FINE}` }],
    ['an unclosed bracket', { 'task_api.yaml': 'services: {' }],
    ['an unknown alias', { 'task_api.yaml': 'services: *a' }],
    ['an unknown tag', { 'task_api.yaml': 'services: !secret {}' }],
    ['a key that is no text', { 'task_api.yaml': 'services: {}\n? [a]\n: 1' }],
    ['other bytes than UTF-8', { 'task_api.yaml': Buffer.from('services: {} # \xff', 'latin1') }],
  ] as const) {
    it(`refuses ${what}`, () => expect(faultsOf(files)).not.to.be.empty)
  }

  it('reads a file that begins with a byte order mark', () => {
    expect(read({ 'task_api.yaml': `\ufeff${FINE}` }).services.size).to.equal(1)
    expect(read({ 'task_api.json': '\ufeff{"services":{"a":{"url":"http://a"}}}' }).services.size).to.equal(1)
  })

  it('refuses duplicate keys, with their line', () => {
    for (const [name, text] of [
      ['task_api.yaml', 'services:\n  a: { url: http://a }\n  a: { url: http://b }'],
      ['task_api.json', '{"services": {\n"a": {"url": "http://a"},\n"a": {"url": "http://b"}}}'],
    ] as const) {
      const faults = faultsOf({ [name]: text })
      expect(faults.map((fault) => [fault.line, fault.expected])).to.deep.equal([[3, 'every name once']])
    }
  })

  it('quotes nothing of a file that cannot be parsed', () => {
    for (const text of [
      'services: *secret',
      'a: b\n} secret',
      'a: {x: y}} secret: z',
      '%secret',
      'a: !secret x',
      'a: !secret,b x',
      'a: "secret',
    ]) {
      expect(JSON.stringify(faultsOf({ 'task_api.yaml': text })), text).not.to.include('secret')
    }
  })

  it('names every fault at once, with file, line and path', () => {
    const files = service(
      'url: nowhere',
      'timeout: 30',
      'retry: { attempts: x, backoff: 1h }',
      'headers: { A: "${NO}", Host: b }',
      'x: 1',
    )
    const faults = faultsOf(files, { PORT: 'x', SLOTS: '0', REDIS_URL: 'y' })
    expect(faults.map(({ source, line, path }) => [source, line, path])).to.deep.equal([
      ['environment', undefined, 'PORT'],
      ['environment', undefined, 'REDIS_URL'],
      ['environment', undefined, 'SLOTS'],
      ['/w/task_api.yaml', 3, 'services.a.url'],
      ['/w/task_api.yaml', 4, 'services.a.timeout'],
      ['/w/task_api.yaml', 5, 'services.a.retry.attempts'],
      ['/w/task_api.yaml', 5, 'services.a.retry.backoff'],
      ['/w/task_api.yaml', 6, 'services.a.headers.A'],
      ['/w/task_api.yaml', 6, 'services.a.headers.Host'],
      ['/w/task_api.yaml', 7, 'services.a.x'],
    ])
  })

  it('names the faults of every service, also of one with a faulty name', () => {
    const faults = faultsOf({ 'task_api.yaml': 'services: { "a b": { timeout: 1 }, c: 3 }' })
    expect(faults.map(({ path }) => path)).to.have.members([
      'services["a b"]',
      'services["a b"].url',
      'services["a b"].timeout',
      'services.c',
    ])
  })

  it('describes the faults for a person', () => {
    const text = describeFaults(new ConfigError(faultsOf(service('url: nowhere'), { PORT: 'x' })))
    expect(text).to.equal(`The configuration has 2 faults; nothing was started.

  environment  PORT
    expected  a whole number from 0 to 65535
    found     "x"

  /w/task_api.yaml:3  services.a.url
    expected  a URL that begins with http:// or https://
    found     "nowhere"

Every setting: docs/configuration.md
`)
    expect(CONFIG_EXIT_CODE).to.equal(78)
  })

  it('freezes everything', () => {
    const config = read(service(URL_LINE, 'headers: { A: b }'))
    const a = config.services.get('a')
    for (const value of [config, config.services, a, a?.retry, a?.headers])
      expect(Object.isFrozen(value)).to.equal(true)
    const services = config.services as Map<string, unknown>
    expect(() => services.set('b', a)).to.throw(TypeError)
    expect(() => services.delete('a')).to.throw(TypeError)
    expect(() => services.clear()).to.throw(TypeError)
    expect(structuredClone(config.services)).to.deep.equal(new Map([['a', { ...a }]]))
  })
})

/** The header A of a service, written so. */
const header = (value: string, env = {}) =>
  read(service(URL_LINE, `headers: { A: '${value}' }`), env).services.get('a')?.headers.A

describe('variables in the services file', () => {
  it('are put in anywhere in text', () => {
    expect(header('Bearer ${T}-${T_2}', { T: 'x', T_2: 'y' })).to.equal('Bearer x-y')
    const config = read(service('url: "${BASE}/{action}"', 'timeout: ${TIME}'), { BASE: 'http://b', TIME: '3s' })
    expect(config.services.get('a')).to.include({ url: 'http://b/{action}', timeout: 3000 })
  })

  it('are put in as they are, and not looked into', () => {
    expect(header('${T}', { T: '$& ${U} $$' })).to.equal('$& ${U} $$')
  })

  it('are left alone after a second dollar', () => {
    expect(header('$${T} $T $ {T}', { T: 'x' })).to.equal('${T} $T $ {T}')
  })

  it('are not put into names', () => {
    expect(rows({ 'task_api.yaml': 'services: { "${T}": { url: "http://a" } }' }, { T: 'b' })).to.have.length(1)
  })

  for (const [text, env, found] of [
    ['${NO}', {}, 'not set'],
    ['${NO}', { NO: '' }, 'set, but empty'],
    ['${toString}', {}, 'not set'],
  ] as const) {
    it(`are a fault when ${found}: ${text}`, () => {
      const faults = rows(service(`url: 'http://a/${text}'`), env)
      expect(faults.map(([path, , shown]) => [path, shown])).to.deep.equal([['services.a.url', found]])
    })
  }

  for (const text of ['${}', '${A-B}', '${A', '${A:-x}']) {
    it(`are a fault when written as ${text}`, () => {
      const faults = rows(service(`url: 'http://a/${text}'`), { A: 'x' })
      expect(faults[0]?.slice(0, 2)).to.deep.equal([
        'services.a.url',
        'a variable as ${NAME}, a file as ${file:/run/secrets/x}, or $${ for these characters themselves',
      ])
    })
  }

  it('never show their value', () => {
    const env = { TOKEN: 'hush-hush\n', BASE: 'gopher://hush-hush', TIME: 'hush-hush' }
    const faults = faultsOf(service('url: ${BASE}', 'timeout: ${TIME}', 'headers: { A: "${TOKEN}" }'), env)
    expect(faults.map(({ found }) => found)).to.deep.equal(['"${BASE}"', '"${TIME}"', '(hidden)'])
    const error = new ConfigError(faults)
    expect(describeFaults(error) + error.message + error.stack).not.to.include('hush')
  })
})
