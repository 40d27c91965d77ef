// What a node says of its configuration: at the start, and after a reload.
import { readFile } from 'node:fs/promises'
import { SERVER_LIMITS } from './api/server.ts'
import type { Config } from './config/config.ts'
import { redisAddressOf } from './core/redis-address.ts'
import { descriptorLimit, descriptorsNeeded } from './core/descriptors.ts'
import type { Keys } from './core/key.ts'
import { postgresServers } from './core/postgres-url.ts'
import type { Services } from './core/service.ts'
import { keyId } from './store/seal.ts'
import type { FieldsOf } from './telemetry/events.ts'
import type { Log } from './telemetry/log.ts'

/** The servers in use and the place of the data, for the log. Never shows a password. */
export function inUse({ databaseUrl, redisUrl, dataDir, file }: Config): Omit<FieldsOf<'listening'>, 'url'> {
  return {
    postgres: databaseUrl === undefined ? `embedded, data in ${dataDir}` : hostsOf(databaseUrl),
    queue: redisUrl === undefined ? 'in this process' : `redis ${redisAddressOf(redisUrl)?.shown}`,
    services: file ?? 'demo',
  }
}

const hostOf = (url: string): string => new URL(url).host
const hostsOf = (url: string): string => postgresServers(url).urls.map(hostOf).join(',')

/** Says what an operator should know at the start. */
export function warn({ host, keys, databaseUrl, redisUrl, encryptionKeys }: Config, log: Log): void {
  if (encryptionKeys) log.event('encryption_on', { keys: encryptionKeys.map(keyId) })
  warnOfOpenApi(host, keys, log)
  if (databaseUrl !== undefined && redisUrl === undefined) log.event('redis_not_set')
}

/** Warns when other machines can reach the API, and nobody needs a key. */
export function warnOfOpenApi(host: string, keys: Keys, log: Log): void {
  if (keys.size === 0 && !/^(localhost|127\..*|::1|\[::1\])$/.test(host)) log.event('api_open', { host })
}

/** Warns when the limit of file descriptors is too low. Only Linux shows the limit; Node has already raised it to its maximum. */
export async function warnOfDescriptors(services: Services, slots: number, log: Log): Promise<void> {
  const limit = descriptorLimit(await readFile('/proc/self/limits', 'utf8').catch(() => ''))
  const needed = descriptorsNeeded(services, slots, SERVER_LIMITS.maxConnections)
  if (limit !== undefined && limit < needed) log.event('open_files_low', { limit, needed })
}
