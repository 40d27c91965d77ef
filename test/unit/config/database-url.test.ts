// DATABASE_URL: what its client makes of every form that is taken, and what is said of every form that is not.
import { expect } from 'chai'
import pg from 'pg'
import { postgresServers } from '../../../src/core/postgres-url.ts'
import { faultsOf, read } from './reading.ts'

interface Read {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly ssl?: unknown
}

/** A URL, and what pg must make of it, beside what is so where it is not said. */
const GOOD: readonly (readonly [url: string, parts: Read])[] = [
  ['postgres://db/tasks', {}],
  ['postgresql://db/tasks', {}],
  ['POSTGRES://db/tasks', {}],
  ['postgres://db:/tasks', {}],
  ['postgres://db.example.com.:5433/tasks', { host: 'db.example.com.', port: 5433 }],
  ['postgres://10.0.0.7:1/tasks', { host: '10.0.0.7', port: 1 }],
  ['postgres://[::1]:65535/tasks', { host: '::1', port: 65_535 }],
  ['postgres://me@db/tasks', { user: 'me' }],
  ['postgres://me:secret@db/tasks', { user: 'me', password: 'secret' }],
  ['postgres://m%40e:p%40s%2Fs%25%23%3F@db/tasks', { user: 'm@e', password: 'p@s/s%#?' }],
  ['postgres://me:p@ss,word@db/tasks', { user: 'me', password: 'p@ss,word' }],
  ['postgres://me:%F0%9F%90%98@db/tasks', { user: 'me', password: '🐘' }],
  ['postgres://me@db', { user: 'me', database: 'me' }],
  ['postgres://me@db/', { user: 'me', database: 'me' }],
  ['postgres://db/my%20tasks', { database: 'my tasks' }],
  ['postgres:///tasks?host=/var/run/postgresql', { host: '/var/run/postgresql' }],
  ['postgres://%2Fvar%2Frun%2Fpostgresql/tasks', { host: '/var/run/postgresql' }],
  ['postgres://me@%2Fvar%2Frun%2Fpostgresql/tasks', { host: '/var/run/postgresql', user: 'me' }],
  ['postgres:///tasks?host=db&port=5433&user=me&password=p%40ss', { port: 5433, user: 'me', password: 'p@ss' }],
  ['postgres://db/tasks?sslmode=disable', {}],
  ['postgres://db/tasks?sslmode=require', { ssl: {} }],
  ['postgres://db/tasks?sslmode=verify-ca', { ssl: {} }],
  ['postgres://db/tasks?sslmode=verify-full', { ssl: {} }],
  ['postgres://db/tasks?sslmode=no-verify', { ssl: { rejectUnauthorized: false } }],
  ['postgres://db/tasks?ssl=1', { ssl: true }],
  ['postgres://db/tasks?ssl=0', {}],
  ['postgres://db/tasks?ssl=no-verify', { ssl: { rejectUnauthorized: false } }],
  ['postgres://db/tasks?sslmode=require&sslnegotiation=direct', { ssl: {} }],
  ['postgres://db/tasks?application_name=mine&options=-c%20search_path%3Dmine', {}],
  ['postgres://db/tasks?target_session_attrs=any', {}],
]

/** A URL that is refused, and what the fault says of it. */
const BAD: readonly (readonly [url: string, said: RegExp])[] = [
  ['db:5432/tasks', /begins with postgres:\/\/ or postgresql:\/\//],
  ['host=db dbname=tasks', /without spaces/],
  ['/var/run/postgresql tasks', /without spaces/],
  ['/var/run/postgresql', /begins with/],
  ['postgres:db/tasks', /begins with/],
  ['mysql://db/tasks', /begins with/],
  ['socket:/var/run?db=tasks', /begins with/],
  ['postgres:///tasks?host=a,b', /several hosts before the path/],
  ['postgres:///tasks?host=a%2Cb&port=1,2', /several hosts before the path/],
  ['postgres://a,b/tasks?host=c', /several hosts before the path/],
  ['postgres://me:secret@a,/tasks', /a host behind the @/],
  ['postgres://a,/tasks', /several hosts before the path, .* none of them empty/],
  ['postgres://,a/tasks', /none of them empty/],
  ['postgres://a:1,b:0/tasks', /a port from 1 to 65535/],
  ['postgres://me:secret@a,b:port/tasks', /a port up to 65535/],
  ['postgres://a,256.1.1.1/tasks', /a host name/],
  ['postgres://a,::1/tasks', /a port up to 65535/],
  ['postgres://db/tasks?target_session_attrs=standby', /read-write or primary .* or any; a node can use no other/],
  ['postgres://a,b/tasks?target_session_attrs=prefer-standby', /a node can use no other/],
  ['postgres://me:100%@db/tasks', /% is written %25/],
  ['postgres://me:%zz@db/tasks', /% is written %25/],
  ['postgres://me:%ff@db/tasks', /% is written %25/],
  ['postgres://db/%', /% is written %25/],
  ['postgres://me:se#cret@db/tasks', /# in a password is written %23/],
  ['postgres://me:se/cret@db/tasks', /percent-encoded: \/ is written %2F/],
  ['postgres://me:se?cret@db/tasks', /\? is %3F/],
  ['postgres://me:se cret@db/tasks', /without spaces/],
  ['postgres://db:65536/tasks', /a port up to 65535/],
  ['postgres://db:http/tasks', /a port up to 65535/],
  ['postgres://db:0/tasks', /a port from 1 to 65535/],
  ['postgres:///tasks?host=db&port=0', /a port from 1 to 65535/],
  ['postgres:///tasks?host=db&port=x', /a port from 1 to 65535/],
  ['postgres://-/tasks', /a host name, an IP address or the folder of a socket/],
  ['postgres://256.1.1.1/tasks', /a host name/],
  ['postgres:///tasks?host=a_b%20c', /a host name/],
  ['postgres://me:secret@/tasks?host=/tmp', /a host behind the @.*%2Fvar%2Frun/],
  ['postgres://db/tasks/more', /nothing behind the host but the name of a database/],
  ['postgres://db/a%2Fb', /the name of a database, which has none of/],
  ['postgres://db/tasks?sslmode=prefer', /sslmode disable, verify-full .* no other is supported/],
  ['postgres://db/tasks?sslmode=allow', /sslmode disable/],
  ['postgres://db/tasks?sslmode=', /a value for the parameter sslmode/],
  ['postgres://db/tasks?ssl=false', /ssl 1, 0 or no-verify/],
  ['postgres://db/tasks?ssl=1&sslmode=disable', /one of ssl and sslmode/],
  ['postgres://db/tasks?sslnegotiation=never', /sslnegotiation postgres or direct/],
  ['postgres://db/tasks?host=a&host=b', /the parameter host once/],
  ...['channel_binding', 'connect_timeout', 'dbname', 'query_timeout', 'statement_timeout', 'pgbouncer', 'schema'].map(
    (name) =>
      [
        `postgres://db/tasks?${name}=1`,
        new RegExp(`without the parameter ${name}, .*those are host, port, user`),
      ] as const,
  ),
  ['postgres://db/tasks?constructor=1', /without the parameter constructor/],
  ['postgres://db/tasks?se%20cret=1', /without the parameter behind its \?/],
]

/** A URL of several servers, what stands for each of them, and whether only one that takes writes is used. */
const SEVERAL: readonly (readonly [url: string, urls: readonly string[], writable: boolean])[] = [
  ['postgres://db/tasks', ['postgres://db/tasks'], false],
  ['postgres://a,b/tasks', ['postgres://a/tasks', 'postgres://b/tasks'], true],
  [
    'postgres://me:p@ss,word@a:5432,b:5433/tasks?sslmode=require',
    ['postgres://me:p@ss,word@a:5432/tasks?sslmode=require', 'postgres://me:p@ss,word@b:5433/tasks?sslmode=require'],
    true,
  ],
  [
    'postgres://[::1]:1,[::2],c?port=7',
    ['postgres://[::1]:1?port=7', 'postgres://[::2]?port=7', 'postgres://c?port=7'],
    true,
  ],
  ['postgres://%2Frun,b/tasks', ['postgres://%2Frun/tasks', 'postgres://b/tasks'], true],
  ...(['any', 'read-write', 'primary'] as const).map((wanted) => {
    const behind = `/tasks?target_session_attrs=${wanted}`
    return [`postgres://a,b${behind}`, [`postgres://a${behind}`, `postgres://b${behind}`], wanted !== 'any'] as const
  }),
  [
    'postgres://db/tasks?target_session_attrs=read-write',
    ['postgres://db/tasks?target_session_attrs=read-write'],
    true,
  ],
]

describe('DATABASE_URL', () => {
  for (const [url, urls, writable] of SEVERAL)
    it(`may be ${url}: ${urls.length} servers`, () => {
      const { databaseUrl = '' } = read({}, { DATABASE_URL: url })
      expect(postgresServers(databaseUrl)).to.deep.equal({ urls, writable })
    })

  for (const [url, parts] of GOOD)
    it(`may be ${url}, and is that to its client`, () => {
      const { databaseUrl } = read({}, { DATABASE_URL: url })
      expect(databaseUrl).to.equal(url)
      const { host, port, user, password, database, ssl } = new pg.Client({ connectionString: databaseUrl ?? '' })
      const known = user === process.env['USER'] && parts.user === undefined ? undefined : user
      expect({ host, port, user: known ?? undefined, password: password ?? undefined, database, ssl }).to.deep.equal({
        host: 'db',
        port: 5432,
        user: undefined,
        password: undefined,
        database: 'tasks',
        ssl: false,
        ...parts,
      })
      expect(() => new URL(url).host).not.to.throw()
    })

  for (const [url, said] of BAD)
    it(`is refused as ${url}, and why, without its password`, () => {
      const faults = faultsOf({}, { DATABASE_URL: url })
      expect(faults.map(({ path }) => path)).to.deep.equal(['DATABASE_URL'])
      const [fault] = faults
      const [expected, found] = [String(fault?.expected), String(fault?.found)]
      expect(expected).to.match(said)
      expect(found).to.match(/^([a-z]+:\/\/)?\(hidden\)$/i)
      expect(expected + found).not.to.match(/secret|cret@/)
    })
})
