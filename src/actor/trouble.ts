// Maps a connection error to a reply: the service is unreachable, or this node lacks a resource such as file descriptors.
import type { Reply } from '../core/answers.ts'

/** The resources that a node can lack, by error code. Such a try says nothing about the service. */
export const LACKS: Readonly<Record<string, string>> = {
  EMFILE: 'file descriptors of this process (ulimit -n)',
  ENFILE: 'file descriptors of this machine',
  EADDRNOTAVAIL: 'local ports or addresses',
  ENOBUFS: 'memory of sockets',
  ENOMEM: 'memory',
  EAI_MEMORY: 'memory, while a name was looked up',
}

/** The reply for an error of undici or of its socket. */
export function replyOf(error: unknown): Reply {
  if (!(error instanceof Error)) return { kind: 'unreachable', detail: String(error) }
  // A host name may have several addresses, and each was tried. An error that is not a lack of this node is preferred.
  const errors = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error]
  const codes = errors.map(codeOf)
  const code = codes.find((one) => !Object.hasOwn(LACKS, one))
  if (code === undefined && codes[0] !== undefined)
    return { kind: 'lacking', detail: `${LACKS[codes[0]]}, ${codes[0]}` }
  // The code of a system error is enough and shows no address. undici's own errors say more in their message.
  return { kind: 'unreachable', detail: !code || code.startsWith('UND_') ? error.message : code }
}

/** The error's code. On a node without IPv6 an IPv6 address fails with EADDRNOTAVAIL: that is a network that cannot be reached. */
function codeOf(error: unknown): string {
  const { code = '', address } = error instanceof Error ? (error as NodeJS.ErrnoException & { address?: unknown }) : {}
  return code === 'EADDRNOTAVAIL' && typeof address === 'string' && address.includes(':') ? 'ENETUNREACH' : code
}
