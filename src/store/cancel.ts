// Ends a statement in the server: what this side gives up on would wait on there, a backend each time.
import { connect } from 'node:net'

/** What a connection knows of its server, and of the key by which that knows it. */
export interface Cancellable {
  readonly host: string
  readonly port: number
  readonly processID: number | null
  readonly secretKey: number | null
}

const CODE = 80_877_102
const PATIENCE = 2_000

/**
 * Asks the server to cancel what a connection runs: a message on a connection of its own, in clear text also where others are not, which
 * nobody answers. The connection must stay open meanwhile (a pooler passes nothing on for one that is gone), and must not be used again:
 * the cancellation may arrive late. Never throws.
 */
export function cancel({ host, port, processID, secretKey }: Cancellable): void {
  if (processID === null || secretKey === null) return
  const packet = Buffer.alloc(16)
  ;[packet.length, CODE, processID, secretKey].forEach((part, i) => packet.writeInt32BE(part, 4 * i))
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.setTimeout(PATIENCE, () => socket.destroy())
  socket.on('error', () => {})
  socket.unref().resume().write(packet)
}
