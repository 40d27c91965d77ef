// What REDIS_URL says: one Redis, the Sentinels that know its primary, or nodes of a Cluster.
import { canDecode } from './percent.ts'

/** Where to find Redis. Each URL in it is that of one server, with user and password. */
export interface RedisAddress {
  readonly kind: 'one' | 'sentinel' | 'cluster'
  /** The Redis itself, or those that are asked where it is. */
  readonly asked: readonly string[]
  /** The name by which Sentinels know the primary; of others empty. */
  readonly master: string
  /** The address without passwords, for people. */
  readonly shown: string
  /** The passwords, as they are written and as they are sent. */
  readonly secrets: readonly string[]
  /** The Redis at a host and a port that one of the asked has named. */
  at(host: string, port: string | number): string
}

/** The parts of a URL, cut at its marks and not judged. */
export interface RedisUrlParts {
  /** `redis` or `rediss`. */
  readonly scheme: string
  readonly kind: RedisAddress['kind']
  /** With its @ behind it, or empty. */
  readonly login: string
  readonly hosts: readonly string[]
  /** What stands behind the first slash. */
  readonly path: string
  readonly query: string | undefined
}

const FORM = /^(rediss?)(\+sentinel|\+cluster)?:\/\/([^/?#]*@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i
const SENTINEL_PORT = 26_379

/** Cuts a URL into its parts; undefined where it has not the form of one. A password may hold an @: the last one counts. */
export function redisUrlParts(text: string): RedisUrlParts | undefined {
  const [whole, scheme = '', kind = '', login = '', hosts = '', path = '', query] = FORM.exec(text) ?? []
  if (whole === undefined) return undefined
  return {
    scheme: scheme.toLowerCase(),
    kind: kind === '' ? 'one' : kind.toLowerCase() === '+sentinel' ? 'sentinel' : 'cluster',
    login,
    hosts: hosts.split(','),
    path,
    query,
  }
}

/** The master's name and the database of a path; a Sentinel's path is `/mymaster` or `/mymaster/3`. */
export function pathParts({ kind, path }: RedisUrlParts): readonly [master: string, database: string] {
  if (kind !== 'sentinel') return ['', path]
  const slash = path.indexOf('/')
  return slash < 0 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)]
}

/** The address that a URL stands for; undefined where a part cannot be read. All rules are in src/config/redis-url.ts. */
export function redisAddressOf(text: string): RedisAddress | undefined {
  const parts = redisUrlParts(text)
  if (!parts) return undefined
  const { scheme, kind, login, hosts } = parts
  const [master, database] = pathParts(parts)
  const given = new Map(parametersOf(parts.query ?? ''))
  const own = [given.get('sentinelUsername') ?? '', given.get('sentinelPassword') ?? '']
  const ownLogin = own.join('') === '' ? '' : `${own.map(encodeURIComponent).join(':')}@`
  const at = (host: string): string => `${scheme}://${login}${host}/${database === '0' ? '' : database}`
  const asked = hosts.map((host) => (kind === 'sentinel' ? `${scheme}://${ownLogin}${withPort(host)}` : at(host)))
  if (!canDecode(login) || !asked.every((url) => URL.canParse(url))) return undefined
  const password = login.slice(0, -1).split(':').slice(1).join(':')
  const written = /(?:^|&)sentinelPassword=([^&]*)/.exec(parts.query ?? '')?.[1] ?? ''
  return {
    kind,
    asked,
    master,
    shown: hosts.join(',') + (kind === 'sentinel' ? `/${master}` : ''),
    secrets: [password, decoded(password), written, decoded(written)].filter((secret) => secret !== ''),
    at: (host, port) => at(`${host.includes(':') ? `[${host}]` : host}:${port}`),
  }
}

/** Names and values of a query. A plus is no space here: passwords hold it. */
export const parametersOf = (query: string): [name: string, value: string][] =>
  query.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [name, decoded(value.join('='))]
  })

const withPort = (host: string): string => (/:\d+$/.test(host) ? host : `${host.replace(/:$/, '')}:${SENTINEL_PORT}`)

const decoded = (text: string): string => (canDecode(text) ? decodeURIComponent(text) : text)
