// What an error of a connection means: the service could not be reached, or this node lacked something of its own.
import type { Reply } from '../core/answers.ts'

/** What a node runs out of, by the code of the error: the try says nothing of the service. */
export const LACKS: Readonly<Record<string, string>> = {
  EMFILE: 'file descriptors of this process (ulimit -n)',
  ENFILE: 'file descriptors of this machine',
  EADDRNOTAVAIL: 'local ports or addresses',
  ENOBUFS: 'memory of sockets',
  ENOMEM: 'memory',
  EAI_MEMORY: 'memory, while a name was looked up',
}

/** The reply that an error of undici, or of the socket below it, stands for. */
export function replyOf(error: unknown): Reply {
  if (!(error instanceof Error)) return { kind: 'unreachable', detail: String(error) }
  // Where a name has several addresses each was tried: one that did not fail for our want says more of the service.
  const errors = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error]
  const codes = errors.map(codeOf)
  const code = codes.find((one) => !Object.hasOwn(LACKS, one))
  if (code === undefined && codes[0] !== undefined)
    return { kind: 'lacking', detail: `${LACKS[codes[0]]}, ${codes[0]}` }
  // A system error's code says it all and names no address; undici's own errors say more in their text.
  return { kind: 'unreachable', detail: !code || code.startsWith('UND_') ? error.message : code }
}

/** Without IPv6 this node has no address that leads to one of IPv6, and never will: the code is then that of any service out of reach. */
function codeOf(error: unknown): string {
  const { code = '', address } = error instanceof Error ? (error as NodeJS.ErrnoException & { address?: unknown }) : {}
  return code === 'EADDRNOTAVAIL' && typeof address === 'string' && address.includes(':') ? 'ENETUNREACH' : code
}
