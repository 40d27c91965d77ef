// The mutations of signatures, of addresses that are refused, and of secrets that are never shown.
import { type Mutation, one } from './mutation.ts'

const CONFIG = 'unit/config/secrets'
const CONNECTOR = 'unit/actor/connector'
const SHOWN = 'nodes/secrets'
const SIGNING = 'unit/core/signing'

// prettier-ignore
export const SECRET_MUTATIONS: readonly Mutation[] = [
  one('a name may lead anywhere', 'DNS can lead a request to a metadata service', 'actor/connector.js', 'all.filter(({ address }) => !isLinkLocal(address))', 'all', CONNECTOR),
  one('an address is no name', 'an address in the URL is connected to', 'actor/connector.js', 'if (isLinkLocal(options.hostname))', 'if (false)', CONNECTOR, 'integration/link-local'),
  one('a file may name any address', 'a URL that can never be reached is no fault', 'config/across.js', 'isLinkLocal(host) ?', 'false ?', CONFIG),
  one('an old timestamp', 'the signature of a try is not fresh', 'actor/send.js', 'at: Date.now()', 'at: 0', 'integration/signing'),
  one('one signature', 'a secret cannot be replaced without a gap', 'core/signing.js', "signatures.join(' ')", 'String(signatures[0])', SIGNING),
  one('any text is a secret', 'a service that cannot sign starts', 'core/signing.js', 'isExact && ', '', SIGNING),
  one('signing secrets are shown', 'a fault shows the secret of a signature', 'config/faults.js', " || path[2] === 'signing'", '', CONFIG, SHOWN),
  one('values are shown', 'a fault shows what a variable stands for', 'config/read.js', '.map((fault) => withoutValue(file, data, fault))', '', CONFIG, SHOWN),
  one('queries are shown', 'the API shows a key in a URL', 'core/service.js', "replace(/[?#].*$/s, '')", "replace(/#.*$/s, '')", SHOWN),
  one('a changed secret is not seen', 'a secret that was renewed is used after the next start', 'reload.js', 'secrets.set(path, statusNow(path));', ';', 'nodes/reload'),
]
