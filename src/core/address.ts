// Which addresses no request goes to: link-local ones, and those of the metadata services of clouds.
import { BlockList, isIP } from 'node:net'

/** Why a connection is refused. It shows no address, as the details of a task never do. */
export const ADDRESS_REFUSED =
  'its address is link-local or of a metadata service, which needs `allowLinkLocal: true` of the service'

/** One row a range. BlockList also finds IPv4 in an IPv4-mapped address, such as ::ffff:169.254.169.254. */
const RANGES: readonly (readonly [from: string, bits: number, 'ipv4' | 'ipv6'])[] = [
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
  // What follows carries an address of 169.254.0.0/16: IPv4-compatible, IPv4-translated, 6to4, and NAT64.
  ['::a9fe:0', 112, 'ipv6'],
  ['::ffff:0:a9fe:0', 112, 'ipv6'],
  ['2002:a9fe::', 32, 'ipv6'],
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
  ['64:ff9b:1:a9fe::', 64, 'ipv6'],
]
/** 64:ff9b:1::/48 is for prefixes of 96 bits, too, whatever their last 48 bits are. */
const LOCAL_NAT64 = /^64:ff9b:1:.*:a9fe:[0-9a-f]{1,4}$/

const refused = new BlockList()
for (const [from, bits, family] of RANGES) refused.addSubnet(from, bits, family)

/** Whether a host is an address that needs `allowLinkLocal`. A name is none. A zone, as in fe80::1%eth0, does not count. */
export function isLinkLocal(host: string): boolean {
  const address = host.replace(/%.*$/s, '')
  const version = isIP(address)
  if (version === 0) return false
  if (version === 4) return refused.check(address)
  return refused.check(address, 'ipv6') || LOCAL_NAT64.test(new URL(`http://[${address}]`).hostname.slice(1, -1))
}
