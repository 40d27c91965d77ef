// A TCP proxy for tests: its port stays while what is behind it comes, goes, and falls silent.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export class TcpProxy {
  readonly #far = new Set<Socket>()
  readonly #pairs = new Map<Socket, Socket>()
  #server: Server | undefined
  #port = 0
  #silent = false
  /** The port on 127.0.0.1 that new connections are led to. */
  target = 0

  /** Connections that were ever made. */
  accepted = 0

  /** The port to connect to; it stays the same over `close` and `listen`. */
  get port(): number {
    return this.#port
  }

  async listen(target: number): Promise<void> {
    this.target = target
    this.#server = createServer((near) => this.#join(near)).listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /**
   * Stops forwarding on the connections that are open, both ways, without closing them; new ones are forwarded. `which`:
   * only on the nth of them, by age.
   */
  freeze(which?: number): void {
    const sockets = [...this.#pairs.keys()]
    const frozen = which === undefined ? sockets : sockets.slice(which * 2, which * 2 + 2)
    for (const socket of frozen) socket.unpipe().pause()
  }

  /** Stops forwarding on the connections that are open and on all that are made from now on, both ways, without closing them. */
  silence(): void {
    this.#silent = true
    this.freeze()
  }

  /** Stops forwarding answers: requests still get through. */
  holdAnswers(): void {
    for (const far of this.#far) far.unpipe().pause()
  }

  /** Forwards again what was held back, and all that follows. */
  thaw(): void {
    this.#silent = false
    for (const [socket, other] of this.#pairs) socket.unpipe().pipe(other)
  }

  /** Refuses connections and resets those that are open. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#pairs.keys()) socket.destroy()
    await closed
  }

  #join(near: Socket): void {
    this.accepted++
    const far = connect(this.target, '127.0.0.1')
    this.#far.add(far)
    far.on('close', () => this.#far.delete(far))
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      this.#pairs.set(socket, other)
      if (!this.#silent) socket.pipe(other)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.#pairs.delete(socket)
        other.destroy()
      })
    }
  }
}
