// A link between a node and a server, as a TCP proxy: cut, mute one way or both, half-open, slow, byte by byte, or losing one reply.
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/**
 * What a link does. `cut`: connections are reset, new ones too. `outward`, `inward`: what goes to the server, or comes from it, is
 * held back and follows later, as packets that were lost are sent again. `halfOpen`: nothing gets through either way, and
 * connections of that time never work again, nor are they closed. `slow`: 300 ms each way. `drip`: one byte at a time.
 */
export type Way = 'open' | 'cut' | 'outward' | 'inward' | 'halfOpen' | 'slow' | 'drip'

export const FAULTY_WAYS: readonly Way[] = ['cut', 'outward', 'inward', 'halfOpen', 'slow', 'drip']

const SLOW = 300
/** The end of an answer of Postgres: ready for the next query, no transaction open. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
/** What stands before it: how many rows the statement changed. */
const CHANGED = /(\d+)\0$/
const LONGEST_TAG = 40

/** A reply that is to be lost. */
interface Loss {
  /** What the statement has in its text. */
  readonly mark: string
  lost(rows: number): void
}

/** One way of a connection. */
interface Lane {
  readonly from: Socket
  readonly to: Socket
  readonly outward: boolean
  /** Chunks that wait to be passed on, oldest first, with the time from which they may. */
  waiting: { chunk: Buffer; due: number }[]
  moving: boolean
}

interface Joint {
  readonly lanes: readonly [Lane, Lane]
  dead: boolean
  /** The reply that is to be lost is on its way here; what has come of it so far. */
  losing: { readonly loss: Loss; readonly chunks: Buffer[] } | undefined
}

/** A link; its port stays the same. */
export class Link {
  /** Where new connections lead. */
  target: number
  /** How long each way of `slow` takes, ms. */
  delay = SLOW
  /** Called with whatever comes, also where it is not passed on; without a chunk: for a new connection. */
  heard: (outward: boolean, chunk?: Buffer) => void = () => {}
  readonly #joints = new Set<Joint>()
  readonly #server: Server
  #way: Way = 'open'
  #losses: Loss[] = []

  private constructor(target: number) {
    this.target = target
    this.#server = createServer((near) => this.#join(near))
  }

  static async to(target: number): Promise<Link> {
    const link = new Link(target)
    // A thread that starts connects for all its tasks at once: what the kernel drops for want of room it tries again seconds later.
    link.#server.listen(0, '127.0.0.1', 4_096)
    await once(link.#server, 'listening')
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Changes what the link does, for the connections that are open too. */
  set(way: Way): void {
    this.#way = way
    for (const joint of this.#joints) {
      // One end of it has given up meanwhile; were the other never told, a server would keep it for ever.
      if (way === 'cut' || (joint.dead && way !== 'halfOpen' && joint.lanes.some(({ from }) => from.destroyed)))
        end(joint)
      if (way === 'halfOpen') joint.dead = true
      for (const lane of joint.lanes) void this.#move(joint, lane)
    }
  }

  /**
   * Lets the next statement through that has `mark` in its text and changes a row, and cuts its connection when the whole answer of
   * Postgres has come, in place of passing that on: it was committed, and its sender does not know. Resolves with the number of rows.
   */
  loseReply(mark: string): Promise<number> {
    return new Promise((lost) => {
      this.#losses.push({ mark, lost })
    })
  }

  /** Loses no reply that has not been lost yet. */
  keepReplies(): void {
    this.#losses = []
  }

  /** Ends all. */
  async close(): Promise<void> {
    for (const joint of this.#joints) end(joint)
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(near: Socket): void {
    this.heard(true)
    if (this.#way === 'cut') return void near.resetAndDestroy()
    const far = connect(this.target, '127.0.0.1')
    const lane = (from: Socket, to: Socket, outward: boolean): Lane => ({
      from,
      to,
      outward,
      waiting: [],
      moving: false,
    })
    const joint: Joint = {
      lanes: [lane(near, far, true), lane(far, near, false)],
      dead: this.#way === 'halfOpen',
      losing: undefined,
    }
    this.#joints.add(joint)
    for (const one of joint.lanes) {
      one.from.setNoDelay(true)
      one.from.on('data', (chunk: Buffer) => this.#take(joint, one, chunk))
      one.from.on('error', () => undefined)
      one.from.on('close', () => this.#closed(joint, one))
    }
  }

  #closed(joint: Joint, { to }: Lane): void {
    // The other side of a half-open connection is not told.
    if (joint.dead && this.#way === 'halfOpen') return
    this.#joints.delete(joint)
    to.destroy()
  }

  #take(joint: Joint, lane: Lane, chunk: Buffer): void {
    this.heard(lane.outward, chunk)
    if (joint.dead) return
    if (lane.outward) this.#recognise(joint, chunk)
    else if (joint.losing) return this.#withhold(joint, lane, chunk)
    this.#pass(joint, lane, chunk)
  }

  #pass(joint: Joint, lane: Lane, chunk: Buffer): void {
    lane.waiting.push({ chunk, due: this.#way === 'slow' ? performance.now() + this.delay : 0 })
    void this.#move(joint, lane)
  }

  /** Looks for a statement whose reply is to be lost. */
  #recognise(joint: Joint, chunk: Buffer): void {
    const loss = joint.losing ? undefined : this.#losses.find(({ mark }) => chunk.includes(mark))
    if (!loss) return
    this.#losses = this.#losses.filter((one) => one !== loss)
    joint.losing = { loss, chunks: [] }
  }

  /** Keeps a reply back until all of it is there; one that tells of no changed row is passed on, and another one is waited for. */
  #withhold(joint: Joint, lane: Lane, chunk: Buffer): void {
    const { loss, chunks } = joint.losing ?? {}
    if (!loss || !chunks) return
    chunks.push(chunk)
    const tail = Buffer.concat(chunks.slice(-2)).subarray(-LONGEST_TAG - READY.length)
    if (!tail.subarray(-READY.length).equals(READY)) return
    const rows = Number(CHANGED.exec(tail.subarray(0, -READY.length).toString('latin1'))?.[1] ?? 0)
    joint.losing = undefined
    if (rows > 0) {
      end(joint)
      return loss.lost(rows)
    }
    this.#losses.push(loss)
    for (const kept of chunks) this.#pass(joint, lane, kept)
  }

  /** Passes on what waits, as long as the link's way allows it. */
  async #move(joint: Joint, lane: Lane): Promise<void> {
    if (lane.moving) return
    lane.moving = true
    while (lane.waiting.length > 0 && !lane.to.destroyed && !joint.dead && this.#passes(lane)) {
      const { chunk, due } = lane.waiting[0] ?? { chunk: Buffer.alloc(0), due: 0 }
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      if (!this.#passes(lane) || joint.dead) break
      lane.waiting.shift()
      if (this.#way === 'drip') await drip(lane.to, chunk)
      else if (!lane.to.write(chunk)) {
        lane.from.pause()
        await drained(lane.to)
        lane.from.resume()
      }
    }
    lane.moving = false
  }

  #passes({ outward }: Lane): boolean {
    return this.#way !== (outward ? 'outward' : 'inward') && this.#way !== 'halfOpen' && this.#way !== 'cut'
  }
}

function end({ lanes }: Joint): void {
  for (const { from } of lanes) if (!from.destroyed) from.resetAndDestroy()
}

async function drip(to: Socket, chunk: Buffer): Promise<void> {
  for (let i = 0; i < chunk.length && !to.destroyed; i += 1) {
    to.write(chunk.subarray(i, i + 1))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off('drain', over)
      socket.off('close', over)
      resolve()
    }
    socket.on('drain', over)
    socket.on('close', over)
  })
}
