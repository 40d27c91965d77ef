// The hostile service: a bare TCP server that answers each action in a bad way of its own, and what must become of its tasks.
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { gzipSync } from 'node:zlib'

/** How a task of a mode ends, by docs/contract.md: complete, or failed with one of these codes. */
export type End = 'complete' | readonly string[]

interface Mode {
  readonly end: End
  /** Answers a request that has come in; `first`: whether it is the connection's first. */
  answer(socket: Socket, first: boolean): void
}

const UNREACHABLE = ['service_unavailable'] as const
const LATE = ['timeout'] as const
const OK = 'HTTP/1.1 200 OK\r\n'
const MEGABYTE = Buffer.alloc(1024 * 1024, ' ')

const say =
  (text: string | Buffer, close = false) =>
  (socket: Socket): void =>
    void (close ? socket.end(text) : socket.write(text))

/** Writes a chunk again and again, as fast as it is taken, until the other side has had enough. */
function pour(socket: Socket, head: string, chunk: Buffer, times = Infinity): void {
  socket.write(head)
  let left = times
  const more = (): void => {
    while (left-- > 0 && !socket.destroyed) if (!socket.write(chunk)) return void socket.once('drain', more)
    if (!socket.destroyed) socket.end()
  }
  more()
}

function drip(socket: Socket): void {
  let at = 0
  const text = `${OK}Content-Length: 1000\r\n\r\n${'x'.repeat(1000)}`
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(text[at++] ?? '')), 1_000)
  socket.once('close', () => clearInterval(timer))
}

/** 300 MB of zeros in a few hundred kilobytes. */
const bombOf: { made?: Buffer } = {}
/** Takes a second the first time. */
export const bomb = (): Buffer => (bombOf.made ??= gzipSync(Buffer.alloc(300_000_000), { level: 1 }))
const DEEP = `${'['.repeat(2_000)}${']'.repeat(2_000)}`

/** Ways to be hostile. */
export const MODES: Readonly<Record<string, Mode>> = {
  silent: { end: LATE, answer: () => undefined },
  drip: { end: LATE, answer: drip },
  half: { end: UNREACHABLE, answer: say(`${OK}Content-Length: 100\r\n\r\n{"half":`, true) },
  reset: {
    // The second request of a connection meets a reset; the try after it is answered, unless it meets another such connection.
    end: ['complete', ...UNREACHABLE],
    answer: (socket, first) =>
      first ? void socket.write(`${OK}Content-Length: 2\r\n\r\n{}`) : void socket.resetAndDestroy(),
  },
  endless: {
    end: 'complete',
    answer: (socket) => pour(socket, `${OK}Transfer-Encoding: chunked\r\n\r\n`, chunk(MEGABYTE)),
  },
  endless206: {
    end: ['body_too_large'],
    answer: (socket) => pour(socket, 'HTTP/1.1 206 X\r\nTransfer-Encoding: chunked\r\n\r\n', chunk(MEGABYTE)),
  },
  hundred: {
    end: 'complete',
    answer: (socket) => pour(socket, `${OK}Content-Length: ${100 * MEGABYTE.length}\r\n\r\n`, MEGABYTE, 100),
  },
  bomb: {
    end: 'complete',
    answer: (socket) =>
      pour(socket, `${OK}Content-Encoding: gzip\r\nContent-Length: ${bomb().length}\r\n\r\n`, bomb(), 1),
  },
  redirect: {
    end: ['redirect'],
    answer: say('HTTP/1.1 307 X\r\nLocation: /run/redirect\r\nContent-Length: 0\r\n\r\n'),
  },
  away: {
    end: ['redirect'],
    answer: say('HTTP/1.1 301 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n'),
  },
  forever: { end: ['too_many_steps'], answer: say('HTTP/1.1 206 X\r\nContent-Length: 2\r\n\r\n[]') },
  long: { end: LATE, answer: say(`${OK}Content-Length: 10\r\n\r\n{}`) },
  short: { end: ['complete', ...UNREACHABLE], answer: say(`${OK}Content-Length: 2\r\n\r\n{}{"more":1}`) },
  garbage: { end: UNREACHABLE, answer: say('SSH-2.0-OpenSSH_9.2\r\n', true) },
  headers: { end: UNREACHABLE, answer: (socket) => pour(socket, `${OK}X-Big: `, MEGABYTE, 4) },
  many: {
    end: UNREACHABLE,
    answer: say(`${OK}${'X-A: b\r\n'.repeat(10_000)}Content-Length: 2\r\n\r\n{}`, true),
  },
  chunks: { end: UNREACHABLE, answer: say(`${OK}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n`, true) },
  status: { end: UNREACHABLE, answer: say('HTTP/1.1 2', true) },
  split: {
    // The answer to a request that was never sent: it must not be taken for the next one's.
    end: ['complete', ...UNREACHABLE],
    answer: say(`${OK}Content-Length: 2\r\n\r\n{}HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}`),
  },
  bytes: {
    end: 'complete',
    answer: say(Buffer.concat([Buffer.from(`${OK}Content-Length: 4\r\n\r\n`), Buffer.from([0xff, 0xfe, 0, 0x80])])),
  },
  deep206: { end: ['bad_body'], answer: say(`HTTP/1.1 206 X\r\nContent-Length: ${DEEP.length}\r\n\r\n${DEEP}`) },
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The service, on a free port of 127.0.0.1. */
export class Villain {
  readonly #server: Server = createServer((socket) => this.#serve(socket))

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1', 4_096)
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #serve(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    let text = ''
    let requests = 0
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (head < 0 || text.length < head + 4 + length) return
      const mode = /^POST \/run\/(\w+)/.exec(text)?.[1] ?? ''
      text = text.slice(head + 4 + length)
      MODES[mode]?.answer(socket, requests++ === 0)
    })
  }
}
