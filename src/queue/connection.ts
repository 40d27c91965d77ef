// One connection to one Redis or Sentinel: it lives as long as its socket, never queues, never repeats.
import { isIP } from 'node:net'
import { Redis, type RedisOptions } from './replies.ts'

export interface ConnectionOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string
  readonly pipelined?: boolean
  /** How long it may take until the socket is open, ms. */
  readonly connect: number
}

// ioredis' own constructor does not take all of its options' type under exactOptionalPropertyTypes.
type Settings = Omit<RedisOptions, 'replyMapping'>

/** Makes a client that does not connect yet. */
export function connectionTo(url: string, { name, pipelined, connect }: ConnectionOptions): Redis {
  const settings: Settings = {
    connectionName: name,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // Its timer outlives the client while Redis loads its data; the check asks more.
    enableReadyCheck: false,
    disableClientInfo: true,
    enableAutoPipelining: pipelined ?? false,
    // HELLO with a password fails on a server without one, and leaves ioredis and the server at odds.
    protocol: 2,
    connectTimeout: connect,
    disconnectTimeout: 500,
    keepAlive: 5_000,
  }
  return new Redis(url, url.startsWith('rediss:') ? { ...settings, tls: tlsOf(new URL(url).hostname) } : settings)
}

// Node sends no server name of its own accord, and many hosted servers need one.
const tlsOf = (host: string): { servername?: string } =>
  isIP(host.replace(/^\[|\]$/g, '')) ? {} : { servername: host }
