// Opens the connections to a service: only to addresses that it may have, with a limit for the heads of its answers.
import { lookup as lookupOfNode, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { buildConnector } from 'undici'
import { ADDRESS_REFUSED, isLinkLocal } from '../core/address.ts'
import type { Service } from '../core/service.ts'
import { cappedConnector } from './head-limit.ts'

/**
 * Makes the connector of a service. Without `allowLinkLocal` each address is judged right before it is connected to: whatever the
 * name led to before counts for nothing.
 * @param lookup finds the addresses of a name, once for each connection
 */
export function connectorOf(
  { timeout, allowLinkLocal }: Pick<Service, 'timeout' | 'allowLinkLocal'>,
  lookup: LookupFunction = lookupOfNode,
): buildConnector.connector {
  if (allowLinkLocal) return cappedConnector({ timeout, lookup })
  const connect = cappedConnector({ timeout, lookup: judged(lookup) })
  return (options, callback) => {
    // No name: nothing is looked up.
    if (isLinkLocal(options.hostname)) setImmediate(() => callback(new Error(ADDRESS_REFUSED), null))
    else connect(options, callback)
  }
}

/** A lookup that leaves addresses out that are refused, and fails where no other is left. The socket connects to what it gives. */
function judged(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, options, (error, found, family) => {
      if (error) return callback(error, found, family)
      const all: LookupAddress[] = typeof found === 'string' ? [{ address: found, family: family ?? 0 }] : found
      const fine = all.filter(({ address }) => !isLinkLocal(address))
      if (fine.length === 0 && all.length > 0) return callback(new Error(ADDRESS_REFUSED), [])
      if (typeof found === 'string') callback(null, found, family)
      else callback(null, fine)
    })
}
