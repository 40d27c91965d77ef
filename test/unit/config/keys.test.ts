// The keys of the services file: what they are read as, and the place of each fault.
import { expect } from 'chai'
import { hashOf } from '../../../src/core/key.ts'
import { faultsOf, read } from './reading.ts'

const [ONE, TWO] = [`sha256:${hashOf('tk_1')}`, `sha256:${hashOf('tk_2')}`]

const file = (...lines: string[]) => ({
  'task_api.yaml': ['services:', '  a: { url: "http://a" }', '  b: { url: "http://b" }', ...lines].join('\n'),
})
const key = (...members: string[]) => file('keys:', '  app:', ...members.map((member) => `    ${member}`))
const HASH = `hash: "${ONE}"`
const SCOPES = 'scopes: [read]'

describe('the keys of the services file', () => {
  it('are none where the file has none', () => {
    expect([...read(file()).keys]).to.deep.equal([])
  })

  it('are read with all their members', () => {
    const full = `app: { hash: ["${ONE}", "${TWO.toUpperCase().replace('SHA', 'sha')}"], scopes: [submit, operate], services: [b], own: true, expires: "2027-01-31T12:00:00+02:00" }` // prettier-ignore
    const { keys } = read(file('keys:', `  ${full}`, `  day: { hash: "sha256:${hashOf('tk_3')}", scopes: [read], expires: 2027-01-31 }`)) // prettier-ignore
    expect(keys.get('app')).to.deep.equal({
      name: 'app',
      hashes: [hashOf('tk_1'), hashOf('tk_2')],
      scopes: ['submit', 'operate'],
      services: ['b'],
      own: true,
      expires: Date.UTC(2027, 0, 31, 10),
    })
    expect(keys.get('day')).to.include({ own: false, services: undefined, expires: Date.UTC(2027, 0, 31) })
    expect(() => (keys as Map<string, unknown>).clear()).to.throw()
  })

  for (const [path, ...members] of [
    ['hash', SCOPES],
    ['hash', 'hash: sha256:abc', SCOPES],
    ['hash', 'hash: tk_secret', SCOPES],
    ['hash', 'hash: []', SCOPES],
    ['hash[1]', `hash: ["${ONE}", 5]`, SCOPES],
    ['hash[1]', `hash: ["${ONE}", "${ONE}"]`, SCOPES],
    ['scopes', HASH],
    ['scopes', HASH, 'scopes: []'],
    ['scopes', HASH, 'scopes: read'],
    ['scopes', HASH, 'scopes: [read, read]'],
    ['scopes[1]', HASH, 'scopes: [read, write]'],
    ['services', HASH, SCOPES, 'services: []'],
    ['services[0]', HASH, SCOPES, 'services: [c]'],
    ['own', HASH, SCOPES, 'own: yes please'],
    ['expires', HASH, SCOPES, 'expires: 2027-02-30'],
    ['expires', HASH, SCOPES, 'expires: "2027-01-31T12:00:00"'],
    ['scope', HASH, SCOPES, 'scope: [read]'],
  ] as const)
    it(`have a fault at ${path} of { ${members.join(', ')} }`, () => {
      const faults = faultsOf(key(...members))
      const name = path.replaceAll(/\[(\d+)\]/g, '.$1')
      expect(faults.map((fault) => fault.path)).to.include(`keys.app.${name}`)
      expect(faults.every(({ line }) => (line ?? 0) >= 4)).to.equal(true)
      expect(JSON.stringify(faults)).not.to.contain('tk_secret')
    })

  it('have names like services, and each hash once', () => {
    const faults = faultsOf(
      file('keys:', `  a/b: { ${HASH}, ${SCOPES} }`, `  two: { hash: ["${TWO}", "${ONE}"], ${SCOPES} }`),
    )
    expect(faults.map(({ line, path, found }) => [line, path, found])).to.deep.equal([
      [5, 'keys["a/b"]', 'this name'],
      [6, 'keys.two.hash.1', 'a hash that "a/b" has'],
    ])
  })

  it('are at least one, where there are `keys`', () => {
    expect(faultsOf(file('keys: {}')).map(({ path }) => path)).to.deep.equal(['keys'])
    expect(faultsOf(file('keys:')).map(({ path }) => path)).to.deep.equal(['keys'])
  })

  it('must be there where AUTH is required', () => {
    const AUTH = 'required'
    for (const files of [file(), {}]) expect(faultsOf(files, { AUTH }).map(({ path }) => path)).to.deep.equal(['AUTH'])
    expect(read(key(HASH, SCOPES), { AUTH }).keys.size).to.equal(1)
    expect(faultsOf(key(HASH, SCOPES), { AUTH: 'yes' }).map(({ path }) => path)).to.deep.equal(['AUTH'])
  })
})
