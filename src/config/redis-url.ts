// What REDIS_URL must be: the address of one Redis, of Sentinels or of a Cluster, and nothing that the client would pass over or misread.
import { canDecode } from '../core/percent.ts'
import { parametersOf, pathParts, type RedisUrlParts, redisUrlParts } from '../core/redis-address.ts'
import { isHostOfUrl, type Rule } from './rules.ts'

const ONE_REDIS = 'the address of one Redis, as redis://host:6379'
const SENTINELS = 'the Sentinels and the name of the primary, as redis+sentinel://host1:26379,host2:26379/mymaster'
const CLUSTER = 'nodes of the Cluster, as redis+cluster://host1:6379,host2:6379'

/** A URL of one Redis, as the URL standard writes it, or of several servers, as it is. */
export const redisUrl: Rule<string> = {
  expected: `the URL of one Redis, as redis://user:password@host:6379/0, of Sentinels, as redis+sentinel://user:password@host1:26379,host2:26379/mymaster, or of a Cluster, as redis+cluster://user:password@host1:6379,host2:6379; rediss for TLS; special characters in its password percent-encoded`,
  wanted: (text) => wantedOf(text),
  parse: (text) => {
    if (wantedOf(text) !== undefined) return undefined
    return redisUrlParts(text)?.kind === 'one' ? new URL(text).href : text
  },
}

function wantedOf(text: string): string | undefined {
  const parts = redisUrlParts(text)
  const broken = (rules: readonly OneRule[], one: string): string | undefined =>
    rules.find(([breaks]) => breaks(one))?.[1]
  if (!parts || parts.kind === 'one') return broken([...FORM, ...ONE_SERVER], text)
  const own = broken(FORM, text) ?? SEVERAL.find(([breaks]) => breaks(parts))?.[1]
  if (own !== undefined) return own
  // What holds for the URL of one Redis holds for that of each server.
  const [, database] = pathParts(parts)
  const each = parts.hosts.map((host) => broken(ONE_SERVER, `redis://${parts.login}${host}/${database}`))
  return each.find((wanted) => wanted !== undefined)
}

type OneRule = readonly [broken: (text: string) => boolean, wanted: string]

/** One row a rule, the first broken one is named. */
const FORM: readonly OneRule[] = [
  [(text) => /[\s\\\p{Cc}]/u.test(text), 'a URL without spaces, control characters and backslashes'],
  [(text) => /^[a-z-]*sentinels?[a-z+-]*:/i.test(text), SENTINELS],
  [(text) => /^[a-z-]*cluster[a-z+-]*:/i.test(text), CLUSTER],
  [
    (text) => !/^rediss?(\+sentinel|\+cluster)?:\/\//i.test(text),
    'a URL that begins with redis:// or rediss://, redis+sentinel:// or redis+cluster://',
  ],
  [(text) => text.includes('#'), 'a URL without a fragment: # in a password is written %23'],
]

/** What more the URL of one server must be. */
const ONE_SERVER: readonly OneRule[] = [
  [(text) => hostsOf(text).includes(','), `${ONE_REDIS}; several hosts are ${SENTINELS}, or ${CLUSTER}`],
  [
    (text) => text.includes('?'),
    'a URL without a query, as no option of it is supported: ? in a password is written %3F',
  ],
  [(text) => !canDecode(userOf(text)), 'user and password percent-encoded: % is written %25'],
  [
    (text) => !URL.canParse(text),
    'an absolute URL with a port up to 65535; special characters in user and password percent-encoded: / is written %2F',
  ],
  [(text) => new URL(text).port === '0', 'a port from 1 to 65535'],
  [
    (text) => !isHostOfUrl(new URL(text).hostname),
    'a URL with a host name or an IP address, such as redis://cache:6379',
  ],
  [
    (text) => !/^\/?$|^\/(0|[1-9][0-9]{0,8})$/.test(new URL(text).pathname),
    'nothing behind the host but the number of a database, such as redis://cache:6379/0',
  ],
]

/** What more the URL of several servers must be. */
const SEVERAL: readonly (readonly [broken: (parts: RedisUrlParts) => boolean, wanted: string])[] = [
  [
    ({ kind, query }) => kind === 'cluster' && query !== undefined,
    'a URL without a query, as a Cluster has no option: ? in a password is written %3F',
  ],
  [({ kind, path }) => kind === 'cluster' && !/^0?$/.test(path), `${CLUSTER}: a Cluster has only the database 0`],
  [
    (parts) => parts.kind === 'sentinel' && !/^[\w.-]{1,100}$/.test(pathParts(parts)[0]),
    `${SENTINELS}; the name has letters, digits, dots, dashes and underscores`,
  ],
  [
    ({ query }) => query !== undefined && !canBeQuery(query),
    'no parameters but sentinelUsername and sentinelPassword, each once and percent-encoded: ? in a password is written %3F',
  ],
]

function canBeQuery(query: string): boolean {
  const names = parametersOf(query).map(([name]) => name)
  const known = names.every((name) => name === 'sentinelUsername' || name === 'sentinelPassword')
  return known && new Set(names).size === names.length && canDecode(query)
}

/** What stands between `//` and the path, by the last @ in two. */
const authorityOf = (text: string): string => /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? ''
const userOf = (text: string): string => authorityOf(text).split('@').slice(0, -1).join('@')
const hostsOf = (text: string): string => authorityOf(text).split('@').at(-1) ?? ''
