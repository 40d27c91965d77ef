// The servers that a URL of Postgres names, in the form of libpq: hosts with commas between them.

/** Servers of which one is used. */
export interface PostgresServers {
  /** The URL of each one, in the order in which they are tried. */
  readonly urls: readonly string[]
  /** Whether only a server that takes writes is used. */
  readonly writable: boolean
}

/** What stands before the hosts, the hosts, and what stands behind them. A password may contain @, so the last @ counts. */
const PARTS = /^([^/?#]*:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s

/** Takes a URL apart. Several hosts without `target_session_attrs` mean the one that takes writes: a node can use no other. */
export function postgresServers(url: string): PostgresServers {
  const [, before = '', hosts = '', behind = ''] = PARTS.exec(url) ?? []
  const urls = hosts.includes(',') ? hosts.split(',').map((host) => before + host + behind) : [url]
  const [, wanted = urls.length > 1 ? 'read-write' : 'any'] = /[?&]target_session_attrs=([^&]*)/.exec(behind) ?? []
  return { urls, writable: wanted !== 'any' }
}
