// What else is in the environment of a node: variables for other programs do not keep it from running tasks.
import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMigrated } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { NodeProcess } from '../support/node.ts'
import { ended, post } from '../support/world.ts'

const NOWHERE = 'http://127.0.0.1:9'

/** One row a kind of variable. The first node makes the database as well. */
const FOREIGN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a locale and a zone that do not exist': { LANG: 'xx_XX.latin1', LC_ALL: 'nonsense', LANGUAGE: 'xx', TZ: 'No/Where' },
  'a locale of its own rules and an odd zone': { LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Kathmandu' },
  'another server for libpq': {
    PGHOST: 'db.invalid',
    PGHOSTADDR: '192.0.2.1',
    PGPORT: '1',
    PGDATABASE: 'theirs',
    PGUSER: 'they',
    PGPASSWORD: 'secret',
    PGPASSFILE: '/nowhere',
    PGSERVICE: 'theirs',
    PGSERVICEFILE: '/nowhere',
    PGTARGETSESSIONATTRS: 'standby',
  },
  'other files for the server': { PGDATA: '/nowhere', PGSYSCONFDIR: '/nowhere', PGLOCALEDIR: '/nowhere' },
  'PGSSLMODE prefer': { PGSSLMODE: 'prefer' },
  'PGSSLMODE verify-full': { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/nowhere', PGREQUIRESSL: '1' },
  'PGSSLNEGOTIATION direct': { PGSSLNEGOTIATION: 'direct' },
  'PGOPTIONS with a setting that does not exist': { PGOPTIONS: '-c nonsense=1' },
  'PGOPTIONS that forbid writes': { PGOPTIONS: '-c default_transaction_read_only=on -c search_path=nowhere' },
  'another format and protocol': { PGBINARY: '1', PGREPLICATION: 'database', PGCLIENT_ENCODING: 'LATIN1' },
  'more for libpq': {
    PGAPPNAME: 'theirs',
    PGCONNECT_TIMEOUT: '1',
    PGCLIENTENCODING: 'LATIN1',
    PGDATESTYLE: 'German',
    PGTZ: 'Asia/Kathmandu',
    PGGSSENCMODE: 'require',
    PGCHANNELBINDING: 'require',
    PGREQUIREAUTH: 'md5',
  },
  'another client of Postgres': { NODE_PG_FORCE_NATIVE: '1' },
  'a proxy that is gone': {
    HTTP_PROXY: NOWHERE,
    HTTPS_PROXY: NOWHERE,
    ALL_PROXY: NOWHERE,
    http_proxy: NOWHERE,
    https_proxy: NOWHERE,
    all_proxy: NOWHERE,
    NO_PROXY: '',
    NODE_USE_ENV_PROXY: '1',
  },
  'NODE_OPTIONS of a debugger': { NODE_OPTIONS: '--inspect=0 --enable-source-maps --trace-warnings' },
  'NODE_OPTIONS that are strict': {
    NODE_OPTIONS: '--throw-deprecation --pending-deprecation --unhandled-rejections=strict --disable-proto=throw',
  },
  'NODE_OPTIONS that are narrow': {
    NODE_OPTIONS: '--max-old-space-size=128 --stack-trace-limit=0 --dns-result-order=ipv6first',
    UV_THREADPOOL_SIZE: '1',
  },
  'folders and files that do not exist': {
    HOME: '/nowhere',
    TMPDIR: '/nowhere',
    XDG_CACHE_HOME: '/nowhere',
    NODE_EXTRA_CA_CERTS: '/nowhere',
    OPENSSL_CONF: '/nowhere',
    SSL_CERT_FILE: '/nowhere',
    LD_LIBRARY_PATH: '/nowhere',
  },
  'what developers set': { NODE_ENV: 'production', DEBUG: '*', NODE_DEBUG: 'net,http', FORCE_COLOR: '3' },
}

/** `ENVIRONMENT_ALONE=1` has a node for each kind, which tells what of a node's environment broke the node. */
const ALONE = process.env['ENVIRONMENT_ALONE'] !== undefined

interface Environment {
  readonly kinds: string[]
  env: Readonly<Record<string, string>>
}

/**
 * The environments of the nodes: each kind comes to the first node that has none of the variables of that kind. A variable is unseen
 * only where another one of the same node undoes the effect of that variable.
 */
function environments(): Environment[] {
  const all: Environment[] = []
  for (const [kind, env] of Object.entries(FOREIGN)) {
    const room = ALONE ? undefined : all.find((one) => Object.keys(env).every((name) => !(name in one.env)))
    const place = room ?? { kinds: [], env: {} }
    if (!room) all.push(place)
    place.kinds.push(kind)
    place.env = { ...place.env, ...env }
  }
  return all
}

describe('a node whose environment is meant for other programs', () => {
  let dataDir: string
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'task_api-data-'))
  })
  after(() => rm(dataDir, { recursive: true, force: true }))

  for (const { kinds, env } of environments())
    it(`runs a task on its own Postgres beside ${kinds.join(', ')}`, async () => {
      const node = await NodeProcess.start({ ...env, DATA_DIR: dataDir })
      try {
        // On a busy machine a node listens before Postgres has answered it.
        await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200))
        const task = await post(node.url, 'echo', '{"a":"ä"}', 'demo')
        expect((await ended(node.url, task)).result).to.deep.equal({ a: 'ä' })
        expect(node.errors).to.deep.equal([])
        node.kill('SIGTERM')
        expect(await node.exited).to.equal(0)
      } finally {
        await node.dispose()
      }
    })

  it('fills in what DATABASE_URL leaves open, and obeys nothing that libpq does not know', async () => {
    const database = await createMigrated()
    const url = new URL(database.url)
    const theirs = { PGPASSWORD: url.password, PGDATABASE: database.name, PGHOST: 'db.invalid', PGUSER: 'they' }
    url.password = ''
    url.pathname = ''
    const broken = { PGBINARY: '1', PGREPLICATION: 'database', PGCLIENT_ENCODING: 'LATIN1', NODE_PG_FORCE_NATIVE: '1' }
    const node = await NodeProcess.start({ ...theirs, ...broken, DATABASE_URL: url.href })
    try {
      await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200))
      const task = await post(node.url, 'echo', '{"a":"ä"}', 'demo')
      expect((await ended(node.url, task)).result).to.deep.equal({ a: 'ä' })
    } finally {
      await node.dispose()
      await database.drop()
    }
  })
})
