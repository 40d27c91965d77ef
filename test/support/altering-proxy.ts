// A TCP proxy that alters what a server says, by seeded chance; what is said to the server it passes on as it is.
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import type { Random } from '../chaos/random.ts'

type Alteration = (chunk: Buffer, random: Random, odd: readonly Buffer[]) => Buffer

const at = (chunk: Buffer, random: Random): number => random.within(0, chunk.length - 1)
const bytes = (random: Random, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, () => random.within(0, 255)))
const spliced = (chunk: Buffer, from: number, cut: number, put: Buffer): Buffer =>
  Buffer.concat([chunk.subarray(0, from), put, chunk.subarray(from + cut)])

const ALTERATIONS: readonly Alteration[] = [
  (chunk, random) => spliced(chunk, at(chunk, random), 1, bytes(random, 1)),
  (chunk, random) => spliced(chunk, at(chunk, random), 4, bytes(random, 4)),
  (chunk, random) => spliced(chunk, at(chunk, random), 0, bytes(random, random.within(1, 40))),
  (chunk, random) => spliced(chunk, at(chunk, random), random.within(1, 40), Buffer.alloc(0)),
  (chunk, random) => chunk.subarray(0, at(chunk, random)),
  (chunk) => Buffer.concat([chunk, chunk]),
  () => Buffer.alloc(0),
  (chunk, random, odd) => Buffer.concat([random.pick(odd), chunk]),
  (chunk, random, odd) => Buffer.concat([chunk, random.pick(odd)]),
  (_, random, odd) => random.pick(odd),
  (chunk) => chunk.map((byte) => (byte >= 0x30 && byte <= 0x39 ? 0x39 : byte)) as Buffer,
]

export class AlteringProxy {
  /** How likely it is that a chunk is altered. */
  rate = 0
  /** Put in front of the next chunk that comes. */
  next: Buffer | undefined
  altered = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** `odd`: what this kind of server does not say at such a time. */
  static async to(target: number, random: Random, odd: readonly Buffer[]): Promise<AlteringProxy> {
    const server = createServer((near) => proxy.#join(near, connect(target, '127.0.0.1'), random, odd))
    const proxy: AlteringProxy = new AlteringProxy(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets the connections that are open: what their servers said may have been half of something. */
  reset(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.reset()
    await once(this.#server, 'close')
  }

  #join(near: Socket, far: Socket, random: Random, odd: readonly Buffer[]): void {
    near.pipe(far)
    far.on('data', (chunk: Buffer) => {
      if (near.writable) near.write(this.#changed(chunk, random, odd))
    })
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  #changed(chunk: Buffer, random: Random, odd: readonly Buffer[]): Buffer {
    const { next } = this
    if (next) {
      this.next = undefined
      this.altered += 1
      return Buffer.concat([next, chunk])
    }
    if (!random.chance(this.rate)) return chunk
    this.altered += 1
    return random.pick(ALTERATIONS)(chunk, random, odd)
  }
}
