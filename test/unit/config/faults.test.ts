// Faults that a person makes: nothing registered, text that is broken somewhere, a variable with a slip in its name.
import { expect } from 'chai'
import { ConfigError, describeFaults } from '../../../src/config/faults.ts'
import { jsonSchema } from '../../../src/config/schema.ts'
import { misspeltSettings, SETTINGS } from '../../../src/config/settings.ts'
import { faultsOf, type Files } from './reading.ts'

describe('a services file without services', () => {
  for (const [name, text] of [
    ['task_api.yaml', 'services: {}'],
    ['task_api.yaml', '# none\nservices: {}'],
    ['task_api.json', '{"$schema":"x","services":{}}'],
  ] as const)
    it(`is refused: ${text.replace('\n', ' ')}`, () => {
      const faults = faultsOf({ [name]: text })
      expect(faults.map(({ path, expected, found }) => [path, expected, found])).to.deep.equal([
        ['services', 'at least one service', 'none'],
      ])
      expect(faults[0]?.line).to.equal(text.includes('#') ? 2 : 1)
    })

  it('is underlined by an editor', () => {
    expect(jsonSchema()).to.have.nested.property('properties.services.minProperties', 1)
  })
})

describe('a services file whose text is broken', () => {
  const place = (files: Files) => faultsOf(files).map(({ line, column }) => [line, column])
  const fine = '{\n "services": {\n  "ü": { "url": "http://a" }'

  for (const [what, text, at] of [
    ['a trailing comma', `${fine},\n }\n}`, [4, 2]],
    ['a comment', `${fine} // none\n }\n}`, [3, 30]],
    ['quotes of the wrong kind', `{\r\n 'services': {}}`, [2, 2]],
    ['an end too early', `${fine}\n`, [4, 1]],
    ['more behind the end', '{"services":{}}\n}', [2, 1]],
    ['no object', '[1,\n2,]', [2, 3]],
    ['nothing', '', [1, 1]],
    ['a byte order mark before it', '\ufeff{,}', [1, 2]],
  ] as const)
    it(`names line and column as JSON: ${what}`, () => {
      expect(place({ 'task_api.json': text })).to.deep.equal([at])
    })

  for (const [what, text, at] of [
    ['a bracket that stays open', 'services:\n  a: { url: http://a', [2, 21]],
    ['a tab', 'services:\n\ta: 1', [2, 1]],
    ['a name twice', 'services:\n  a: { url: http://a }\n  a: { url: http://b }', [3, 3]],
  ] as const)
    it(`names line and column as YAML: ${what}`, () => {
      expect(place({ 'task_api.yaml': text })[0]).to.deep.equal(at)
    })

  it('shows them behind the name of the file', () => {
    const faults = faultsOf({ 'task_api.json': '{\n "services": {},\n}' })
    expect(describeFaults(new ConfigError(faults))).to.contain('\n  /w/task_api.json:3:1\n    expected  valid JSON\n')
  })
})

describe('a variable that is nearly a setting', () => {
  for (const [name, meant] of [
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_URLS', 'DATABASE_URL'],
    ['DATABASEURL', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['REDIS_URI', 'REDIS_URL'],
    ['SLOT', 'SLOTS'],
    ['DRAIN_TIMOUT', 'DRAIN_TIMEOUT'],
    ['TASK_APICONFIG', 'TASK_API_CONFIG'],
  ] as const)
    it(`is found: ${name}`, () => {
      expect(misspeltSettings({ PATH: '/bin', [name]: 'x' })).to.deep.equal([{ name, meant }])
    })

  it('is found for every setting', () => {
    for (const name of Object.keys(SETTINGS)) {
      const typed = name.slice(0, 2) + name.slice(3)
      expect(misspeltSettings({ [typed]: 'x' }), typed).to.deep.equal([{ name: typed, meant: name }])
    }
  })

  it('is none where it is a setting, is empty, or what is meant is set too', () => {
    const set = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, 'x']))
    expect(misspeltSettings(set)).to.deep.equal([])
    expect(misspeltSettings({ DATABSE_URL: '' })).to.deep.equal([])
    expect(misspeltSettings({ ...set, DATABSE_URL: 'x' })).to.deep.equal([])
  })

  it('is none of those that most environments have', () => {
    const usual =
      'PATH HOME PWD OLDPWD USER SHELL LANG TERM HOSTNAME LOGNAME MAIL TZ NODE_ENV PGHOST PGPORT REDIS_HOST DATABASE_HOST TASK_API_URL'
    expect(misspeltSettings(Object.fromEntries(usual.split(' ').map((name) => [name, 'x'])))).to.deep.equal([])
  })
})
