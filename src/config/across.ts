// The rules of the services file about names, and about several values together.
import { isLinkLocal } from '../core/address.ts'
import { SERVICE_DEFAULTS, SERVICE_NAME } from '../core/service.ts'
import { nearest } from '../core/suggest.ts'
import { formatDuration, parseDuration } from '../core/units.ts'
import { quoted } from './faults.ts'
import { digitsOf } from './keys.ts'
import type { FaultAt } from './variables.ts'

/** The faults of names and of values that do not fit together. Takes the raw data, which may have other faults. */
export function faultsAcross(data: unknown): FaultAt[] {
  const { services, keys } = mapping(data)
  if (isMapping(services) && Object.keys(services).length === 0)
    return [{ path: ['services'], expected: 'at least one service', found: 'none' }]
  const names = Object.keys(mapping(services))
  const ofServices = Object.entries(mapping(services)).flatMap(([name, service]) => {
    const path = ['services', name]
    const { retry, callback, url, allowLinkLocal } = mapping(service)
    return [
      ...faultOfName(path, name),
      ...(allowLinkLocal === true ? [] : faultOfAddress([...path, 'url'], url)),
      ...faultOfBackoff([...path, 'retry'], mapping(retry)),
      // Nobody would hear of any end.
      ...faultOfService([...path, 'callback', 'service'], mapping(callback).service, names),
    ]
  })
  return [...ofServices, ...faultsOfKeys(keys, names)]
}

/** The faults of names of keys, of the services that they name, and of hashes that several have. */
function faultsOfKeys(keys: unknown, services: readonly string[]): FaultAt[] {
  if (isMapping(keys) && Object.keys(keys).length === 0)
    return [{ path: ['keys'], expected: 'at least one key, or no `keys`', found: 'none' }]
  const holders = new Map<string, string>()
  return Object.entries(mapping(keys)).flatMap(([name, key]) => {
    const path = ['keys', name]
    const { hash, services: named } = mapping(key)
    const hashes = (Array.isArray(hash) ? hash : [hash]).map((one: unknown) => digitsOf(one) ?? '')
    const faults = faultOfName(path, name)
    for (const [index, digits] of hashes.entries()) {
      const holder = digits === '' ? undefined : holders.get(digits)
      const at = [...path, 'hash', ...(Array.isArray(hash) ? [index] : [])]
      if (holder !== undefined)
        faults.push({ path: at, expected: 'every hash once', found: `a hash that ${quoted(holder)} has` })
      holders.set(digits, holder ?? name)
    }
    if (Array.isArray(named))
      for (const [index, service] of named.entries())
        faults.push(...faultOfService([...path, 'services', index], service, services))
    return faults
  })
}

const faultOfName = (path: readonly PropertyKey[], name: string): FaultAt[] =>
  SERVICE_NAME.test(name) ? [] : [{ path, expected: A_NAME, found: 'this name' }]

/** A service that is named must be one of the file. */
function faultOfService(path: readonly PropertyKey[], service: unknown, names: readonly string[]): FaultAt[] {
  if (typeof service !== 'string' || names.includes(service)) return []
  const meant = nearest(service, names)
  const found = quoted(service) + (meant === undefined ? '' : `: did you mean ${meant}?`)
  return [{ path, expected: 'a service of this file', found }]
}

/** An address in the URL itself is a fault of the file. What a name leads to is judged for each connection. */
function faultOfAddress(path: readonly PropertyKey[], url: unknown): FaultAt[] {
  const text = typeof url === 'string' ? url.replaceAll('{action}', 'a') : ''
  const host = URL.canParse(text) ? new URL(text).hostname.replace(/^\[|\]$/g, '') : ''
  return isLinkLocal(host) ? [{ path, expected: 'an address that is not link-local, or `allowLinkLocal: true`' }] : []
}

const A_NAME = 'a name of 1 to 100 letters, digits, dots, hyphens and underscores'

function faultOfBackoff(path: readonly PropertyKey[], retry: Readonly<Record<string, unknown>>): FaultAt[] {
  const backoff = milliseconds(retry.backoff, SERVICE_DEFAULTS.retry.backoff)
  const maxBackoff = milliseconds(retry.maxBackoff, SERVICE_DEFAULTS.retry.maxBackoff)
  if (backoff === undefined || maxBackoff === undefined || backoff <= maxBackoff) return []
  return retry.backoff === undefined
    ? [{ path: [...path, 'maxBackoff'], expected: `at least backoff, which is ${formatDuration(backoff)}` }]
    : [{ path: [...path, 'backoff'], expected: `at most maxBackoff, which is ${formatDuration(maxBackoff)}` }]
}

function milliseconds(value: unknown, fallback: number): number | undefined {
  if (value === undefined) return fallback
  return typeof value === 'string' ? parseDuration(value) : undefined
}

const isMapping = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const mapping = (value: unknown): Readonly<Record<string, unknown>> => (isMapping(value) ? { ...value } : {})
