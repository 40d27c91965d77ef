// The rules for DATABASE_URL: the addresses of one Postgres, without anything that the client would ignore or misread.
import { canDecode } from '../core/percent.ts'
import { postgresServers } from '../core/postgres-url.ts'
import { isHostOfUrl, type Rule } from './rules.ts'

const SEVERAL =
  'several hosts before the path, each with its port, and none of them empty: postgres://user:password@a:5432,b:5432/tasks'
const ENCODED =
  'an absolute URL with a port up to 65535; special characters in user and password percent-encoded: / is written %2F, # is %23, ? is %3F'
const A_HOST =
  'a URL with a host name, an IP address or the folder of a socket, as postgres://db/tasks or postgres:///tasks?host=/var/run/postgresql'

/** The URL of a Postgres with the parameters below: of one server, or of a primary and its standbys. */
export const databaseUrl: Rule<string> = {
  expected:
    'the URL of a Postgres, as postgres://user:password@host:5432/database, or with several hosts a:5432,b:5432; special characters in its password percent-encoded',
  wanted: (text) => wantedOf(text),
  parse: (text) => (wantedOf(text) === undefined ? text : undefined),
}

function wantedOf(text: string): string | undefined {
  const { urls } = postgresServers(text)
  const one = (url: string): string | undefined =>
    RULES.find(([broken]) => broken(url))?.[1] ?? wantedParameter([...new URL(url).searchParams])
  const wanted = urls.map(one).find((said) => said !== undefined)
  // A list in the parameter would be taken for one host, and with several before the path it would replace them all.
  return wanted ?? (urls.length > 1 && urls.some((url) => !namesHost(url)) ? SEVERAL : undefined)
}

const namesHost = (url: string): boolean => {
  const { host, searchParams } = new URL(url)
  return host !== '' && !searchParams.has('host')
}

/** One row for each rule. The first broken rule is reported. */
const RULES: readonly (readonly [broken: (text: string) => boolean, wanted: string])[] = [
  [(text) => /[\s\\\p{Cc}]/u.test(text), 'a URL without spaces, control characters and backslashes'],
  [(text) => !/^postgres(ql)?:\/\//i.test(text), 'a URL that begins with postgres:// or postgresql://'],
  [(text) => parameterHost(text).includes(','), SEVERAL],
  [(text) => text.includes('#'), 'a URL without a fragment: # in a password is written %23'],
  [(text) => !canDecode(text), 'a URL that is percent-encoded: % is written %25'],
  [
    (text) => /@\//.test(text),
    'a host behind the @: the folder of a socket is written postgres://user@%2Fvar%2Frun%2Fpostgresql/tasks',
  ],
  [(text) => !URL.canParse(text), ENCODED],
  [(text) => new URL(text).port === '0', 'a port from 1 to 65535'],
  [(text) => !hostsOf(text).every(isHost), A_HOST],
  [
    (text) => /[;/?:@&=+$,#]/.test(decodeURIComponent(new URL(text).pathname.slice(1))),
    'nothing behind the host but the name of a database, which has none of ; / ? : @ & = + $ , #',
  ],
]

/** The supported parameters. Each function returns what was expected of a wrong value, or undefined. */
const PARAMETERS: Readonly<Record<string, (value: string) => string | undefined>> = {
  host: () => undefined,
  port: (value) => (/^[1-9][0-9]{0,4}$/.test(value) && Number(value) <= 65_535 ? undefined : 'a port from 1 to 65535'),
  user: () => undefined,
  password: () => undefined,
  application_name: () => undefined,
  options: () => undefined,
  sslmode: (value) =>
    /^(disable|require|verify-ca|verify-full|no-verify)$/.test(value)
      ? undefined
      : 'sslmode disable, verify-full (require and verify-ca check as much) or no-verify; no other is supported',
  ssl: (value) => (/^(true|1|0|no-verify)$/.test(value) ? undefined : 'ssl 1, 0 or no-verify'),
  sslcert: () => undefined,
  sslkey: () => undefined,
  sslrootcert: () => undefined,
  sslnegotiation: (value) => (/^(postgres|direct)$/.test(value) ? undefined : 'sslnegotiation postgres or direct'),
  target_session_attrs: (value) =>
    /^(any|read-write|primary)$/.test(value)
      ? undefined
      : 'target_session_attrs read-write or primary (either: a server that takes writes) or any; a node can use no other',
}
const SUPPORTED = Object.keys(PARAMETERS)

function wantedParameter(parameters: readonly (readonly [string, string])[]): string | undefined {
  const names = parameters.map(([name]) => name)
  for (const [i, [name, value]] of parameters.entries()) {
    const known = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (!known)
      return `a URL without the parameter ${shown(name)}, which is not supported; those are ${SUPPORTED.join(', ')}`
    if (names.indexOf(name) !== i) return `the parameter ${name} once`
    if (value === '') return `a value for the parameter ${name}`
    const wanted = known(value)
    if (wanted !== undefined) return wanted
  }
  return names.includes('ssl') && names.includes('sslmode') ? 'one of ssl and sslmode' : undefined
}

/** A parameter's name for the fault. It is hidden where it may be part of a password with an unencoded ? or &. */
const shown = (name: string): string => (/^[a-z_]{1,40}$/i.test(name) ? name : 'behind its ?')

/** The host before the path, and that of the parameter. A password may contain @, so the last @ counts. */
function hostsOf(text: string): string[] {
  const authority = /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? ''
  return [(authority.split('@').at(-1) ?? '').replace(/:\d*$/, ''), parameterHost(text)]
}

const parameterHost = (text: string): string => (/[?&]host=([^&#]*)/.exec(text)?.[1] ?? '').replaceAll(/%2c/gi, ',')

const isHost = (host: string): boolean =>
  host === '' || host.startsWith('/') || /^%2f/i.test(host) || isHostOfUrl(host.toLowerCase())
