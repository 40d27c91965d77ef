// Answers 1xx that nobody asked for, over sockets: they are passed over, as RFC 9110 (15.2) wants it.
import { expect } from 'chai'
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { RunningNode } from '../../src/main.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

const HEAD = 'Content-Length: 7\r\n\r\n'
const PROGRESS = `HTTP/1.1 206 Partial Content\r\n${HEAD}{"n":1}`
const DONE = `HTTP/1.1 200 OK\r\n${HEAD}{"n":2}`
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** What comes before each answer; each element is written by itself. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  'a 100': [CONTINUE],
  'a 100 in a packet with the answer': [],
  'a 100, a 102 and a 103': [CONTINUE, 'HTTP/1.1 102 P\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  'twenty of 100': Array.from({ length: 20 }, () => CONTINUE),
  'a 100 byte by byte': Array.from(CONTINUE),
  'a 100 of HTTP/1.0 that says close': ['HTTP/1.0 100 Continue\r\nConnection: close\r\n\r\n'],
}

describe('a service that answers 1xx before its answer', () => {
  let world: World
  let node: RunningNode
  let server: Server
  const sockets = new Set<Socket>()
  let requests = 0
  before(async () => {
    world = await openWorld()
    server = createServer((socket) => {
      sockets.add(socket)
      socket.setNoDelay(true).on('error', () => {})
      socket.on('data', (bytes: Buffer) => void answer(socket, bytes.toString()))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    node = await world.node({ services: { svc: { url, retry: { attempts: 2, backoff: 10, maxBackoff: 10 } } } })
  })
  beforeEach(() => (requests = 0))
  after(async () => {
    await world.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  async function answer(socket: Socket, request: string): Promise<void> {
    requests += 1
    const [, action = '', step] = /^POST \/(\S+) [^]*task-step: (\d)/.exec(request) ?? []
    if (action === 'switch')
      return void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
    if (action === 'endless') return void socket.write(CONTINUE.repeat(1_000))
    const [name, parts] = Object.entries(BEFORE)[Number(action)] ?? ['', []]
    for (const part of parts) {
      socket.write(part)
      await turn()
    }
    socket.write((name.includes('in a packet') ? CONTINUE : '') + (step === '0' ? PROGRESS : DONE))
  }

  for (const [i, name] of Object.keys(BEFORE).entries())
    it(`is heard: ${name}, before each of two answers on one connection`, async () => {
      const known = sockets.size
      const task = await ended(node.url, await post(node.url, String(i), '{}'))
      expect(task).to.deep.include({ status: 'complete', step: 1, result: { n: 2 }, attempt: 1, lastError: null })
      expect(requests).to.equal(2)
      expect(sockets.size - known).to.be.at.most(1)
    })

  for (const [action, why] of [
    ['switch', 'the service switched to another protocol (101)'],
    ['endless', 'the head of the answer is too long'],
  ] as const)
    it(`is asked again, and at last given up: ${action}`, async () => {
      const task = await ended(node.url, await post(node.url, action, '{}'))
      expect(task).to.include({ status: 'failed', attempt: 2 })
      expect(task.error).to.include({ code: 'service_unavailable' })
      expect(task.error?.detail).to.include(why)
    })
})
