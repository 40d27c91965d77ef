// Secrets in the configuration: from files, of signatures, and the addresses that a file may name. No fault shows a secret.
import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type ConfigFault, describeFaults } from '../../../src/config/faults.ts'
import { readConfig } from '../../../src/config/read.ts'
import { readSmallFile } from '../../../src/config/secret-files.ts'
import { faultsOf, type Files, read, service, URL_LINE } from './reading.ts'

const KEY = Buffer.alloc(32, 'key').toString('base64')
const SECRET = `whsec_${KEY}`

/** What is wrong, as `path found`. */
const found = (files: Files, env = {}): string[] => faultsOf(files, env).map((fault) => `${fault.path} ${fault.found}`)

const withFile = (content: string | Uint8Array | { code: string }, text = 'a ${file:/run/x} b'): Files => ({
  ...service(URL_LINE, `headers: { X-Y: "${text}" }`),
  '/run/x': content,
})
const valueOf = (...given: Parameters<typeof withFile>): string | undefined =>
  read(withFile(...given)).services.get('a')?.headers['X-Y']

describe('${file:…} in the services file', () => {
  it('stands for what the file holds, without one line break at its end', () => {
    expect(valueOf('s3cret\n')).to.equal('a s3cret b')
    expect(valueOf('s3cret\r\n')).to.equal('a s3cret b')
    expect(valueOf('s3cret')).to.equal('a s3cret b')
    expect(valueOf('${HOME} $${', '${file:/run/x}')).to.equal('${HOME} $${')
    expect(valueOf('', '$${file:/run/x}')).to.equal('${file:/run/x}')
    expect(valueOf('x'.repeat(65_536), '${file:/run/x}')).to.have.length(65_536)
  })

  it('stands for it in every text of a service', () => {
    const url = {
      ...service('url: "${file:/run/x}"', 'timeout: "${file:/run/t}"'),
      '/run/x': 'http://b/',
      '/run/t': '5s\n',
    }
    expect(read(url).services.get('a')).to.include({ url: 'http://b/', timeout: 5_000 })
  })

  for (const [what, content, shown] of [
    ['that is not there', { code: 'ENOENT' }, 'it is not there'],
    ['that may not be read', { code: 'EACCES' }, 'no permission to read it'],
    ['that is a directory', { code: 'EISDIR' }, 'a directory'],
    ['that is too large', 'x'.repeat(65_537), 'more than 64 KiB'],
    ['that is not UTF-8', Uint8Array.of(0x73, 0xff), 'bytes that are not UTF-8'],
    ['that has a NUL', 's3cret\0', 'a NUL'],
    ['that is empty', '\n', 'nothing'],
  ] as const)
    it(`is a fault for a file ${what}, with its line and path`, () => {
      expect(faultsOf(withFile(content))).to.deep.equal([
        {
          source: '/w/task_api.yaml',
          line: 4,
          path: 'services.a.headers.X-Y',
          expected: 'a secret in the file /run/x',
          found: shown,
        },
      ])
    })

  it('needs an absolute path and an end', () => {
    expect(faultsOf(withFile('x', '${file:run/x}'))[0]?.expected).to.include('an absolute path')
    expect(faultsOf(withFile('x', '${file:/run/x'))[0]?.expected).to.include('${file:/run/secrets/x}')
  })
})

describe('${file:…} in the environment', () => {
  const files = { '/run/db': 'postgres://u:pa%40ss@db/tasks\n', '/run/bad': 'postgres://u:s3cret@db/a/b' }

  it('stands for the content in a setting that is a secret', () => {
    expect(read(files, { DATABASE_URL: '${file:/run/db}' }).databaseUrl).to.equal('postgres://u:pa%40ss@db/tasks')
  })

  it('is a text as any other elsewhere, and inside another text', () => {
    expect(found(files, { REDIS_PREFIX: '${file:/run/db}' })).to.deep.equal(['REDIS_PREFIX "${file:/run/db}"'])
    expect(found(files, { DATABASE_URL: 'x${file:/run/db}' })).to.deep.equal(['DATABASE_URL (hidden)'])
  })

  it('is a fault where the file is gone, or holds no such value, which is hidden', () => {
    expect(found(files, { REDIS_URL: '${file:/run/gone}' })).to.deep.equal(['REDIS_URL it is not there'])
    expect(found(files, { DATABASE_URL: '${file:/run/bad}' })).to.deep.equal(['DATABASE_URL postgres://(hidden)'])
  })
})

describe('a file that holds a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'task_api-secret-'))
  const path = join(folder, 'x')
  after(() => rmSync(folder, { recursive: true }))

  it('is read from the disk', () => {
    writeFileSync(path, 'postgres://from:file@db/tasks\n')
    expect(readConfig({ env: { DATABASE_URL: `\${file:${path}}` }, cwd: folder }).databaseUrl).to.equal(
      'postgres://from:file@db/tasks',
    )
  })

  it('is not read where it has no end, or too many bytes', () => {
    const codeOf = (file: string): unknown => {
      try {
        return readSmallFile(file).length
      } catch (error) {
        return (error as { code: unknown }).code
      }
    }
    writeFileSync(path, 'x'.repeat(65_537))
    expect(codeOf(path)).to.equal('more than 64 KiB')
    expect(codeOf(folder)).to.equal('EISDIR')
    if (process.platform !== 'win32') expect(codeOf('/dev/zero')).to.equal('a pipe or a device')
  })
})

describe('signing', () => {
  it('takes 1 to 10 secrets', () => {
    const { services } = read(service(URL_LINE, `signing: { secrets: ["\${ONE}", ${SECRET}] }`), { ONE: SECRET })
    expect(services.get('a')?.signing).to.deep.equal({ secrets: [SECRET, SECRET] })
  })

  for (const [what, text, path] of [
    ['another prefix', `signing: { secrets: [whsk_${KEY}] }`, 'services.a.signing.secrets.0'],
    ['a key that is short', 'signing: { secrets: [whsec_c2hvcnQ=] }', 'services.a.signing.secrets.0'],
    ['no list', `signing: { secrets: ${SECRET} }`, 'services.a.signing.secrets'],
    ['an empty list', 'signing: { secrets: [] }', 'services.a.signing.secrets'],
    ['no mapping', `signing: ${SECRET}`, 'services.a.signing'],
    ['eleven secrets', `signing: { secrets: [${Array(11).fill(SECRET).join(', ')}] }`, 'services.a.signing.secrets'],
  ] as const)
    it(`is a fault with ${what}, at its line, and shows nothing`, () => {
      const faults = faultsOf(service(URL_LINE, text))
      expect(faults.map((fault) => [fault.line, fault.path, fault.found])).to.deep.equal([[4, path, '(hidden)']])
      expect(textOf(faults)).to.not.include(KEY).and.not.include('c2hvcnQ')
    })

  it('knows its members, and takes its headers for itself', () => {
    expect(found(service(URL_LINE, `signing: { secret: [${SECRET}] }`))).to.include(
      'services.a.signing.secret "secret": did you mean secrets?',
    )
    expect(found(service(URL_LINE, 'headers: { webhook-ID: x }'))).to.deep.equal([
      'services.a.headers.webhook-ID (hidden)',
    ])
  })
})

describe('a link-local address in the URL of a service', () => {
  const url = (host: string): string => `url: "http://${host}/{action}"`
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe:80',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '[fd00:ec2::254]:80',
  ])
    it(`is a fault: ${host}`, () => {
      const [fault, ...others] = faultsOf(service(url(host)))
      expect(others).to.deep.equal([])
      expect(fault).to.include({ line: 3, path: 'services.a.url', found: `"http://${host}/{action}"` })
      expect(fault?.expected).to.include('allowLinkLocal: true')
      expect(read(service(url(host), 'allowLinkLocal: true')).services.get('a')).to.include({ allowLinkLocal: true })
    })

  it('is none for a name or another address', () => {
    for (const host of ['metadata.internal', '10.0.0.1', '[fd00::1]'])
      expect(faultsOf(service(url(host)))).to.deep.equal([])
  })
})

describe('a fault of a value from a variable', () => {
  it('shows the text of the file', () => {
    const callback = 'callback: { service: "${S3CRET}", action: x }'
    expect(found(service(URL_LINE, callback), { S3CRET: 'mark' })).to.deep.equal([
      'services.a.callback.service "${S3CRET}"',
    ])
  })
})

const textOf = (faults: readonly ConfigFault[]): string => describeFaults(new ConfigError(faults))
