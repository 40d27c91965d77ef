// What REDIS_URL must be: the address of one Redis, and nothing that its client would pass over or misread.
import { canDecode, isHostOfUrl, type Rule } from './rules.ts'

const ONE_REDIS =
  'the address of one Redis, as redis://host:6379; for several put a proxy or a DNS name in front that leads to the primary'

/** A URL of one Redis, as the URL standard writes it. */
export const redisUrl: Rule<string> = {
  expected:
    'the URL of one Redis, as redis://user:password@host:6379/0, or rediss:// for TLS; special characters in its password percent-encoded',
  wanted: (text) => RULES.find(([broken]) => broken(text))?.[1],
  parse: (text) => (RULES.some(([broken]) => broken(text)) ? undefined : new URL(text).href),
}

/** One row a rule, the first broken one is named. */
const RULES: readonly (readonly [broken: (text: string) => boolean, wanted: string])[] = [
  [(text) => /[\s\\\p{Cc}]/u.test(text), 'a URL without spaces, control characters and backslashes'],
  [(text) => /^[a-z+-]*sentinels?[a-z+-]*:/i.test(text), `${ONE_REDIS}. Redis Sentinel is not supported`],
  [(text) => /^[a-z+-]*cluster[a-z+-]*:/i.test(text), `${ONE_REDIS}. Redis Cluster is not supported`],
  [(text) => !/^rediss?:\/\//i.test(text), 'a URL that begins with redis:// or rediss://'],
  [(text) => hostsOf(text).includes(','), `${ONE_REDIS}. Several hosts in one URL are not supported`],
  [(text) => text.includes('#'), 'a URL without a fragment: # in a password is written %23'],
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

/** What stands between `//` and the path, by the last @ in two. */
const authorityOf = (text: string): string => /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? ''
const userOf = (text: string): string => authorityOf(text).split('@').slice(0, -1).join('@')
const hostsOf = (text: string): string => authorityOf(text).split('@').at(-1) ?? ''
