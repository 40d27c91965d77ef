// Cancels a statement in the server. Without that, each statement that a node gives up on would go on and occupy a backend.
import { connect } from 'node:net'

/** The address of a connection's server, and the key of its backend. */
export interface Cancellable {
  readonly host: string
  readonly port: number
  readonly processID: number | null
  readonly secretKey: number | null
}

const CANCEL_REQUEST_CODE = 80_877_102
const CANCEL_TIMEOUT_MS = 2_000

/**
 * Asks the server to cancel the statement of a connection. The request is sent on a new connection without TLS, and has no answer.
 * Keep the connection open: a pooler does not pass on a request for a closed connection. Do not use the connection again: the
 * cancellation may arrive late. Never throws.
 */
export function cancel({ host, port, processID, secretKey }: Cancellable): void {
  if (processID === null || secretKey === null) return
  const packet = Buffer.alloc(16)
  ;[packet.length, CANCEL_REQUEST_CODE, processID, secretKey].forEach((part, i) => packet.writeInt32BE(part, 4 * i))
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy())
  socket.on('error', () => {})
  socket.unref().resume().write(packet)
}
