// The requests of each connection, and the answers that the server has not sent yet.
import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

export interface OpenRequests {
  /** The number of open connections that have sent at least one request. */
  readonly connections: number
  /** The answers that a connection still waits for, oldest first. */
  unansweredOn(socket: Duplex): readonly ServerResponse[]
  /** Whether the request that is coming in has had its answer already, as when it was refused before its body came. */
  answeredEarly(socket: Duplex): boolean
  /** Resolves when no connection waits for an answer. */
  allAnswered(): Promise<void>
}

interface Connection {
  requests: number
  readonly unanswered: Set<ServerResponse>
  /** The last answer that was given before the whole of its request had come in. */
  early?: ServerResponse
}

/** Tracks the requests of a server from now on, and closes a connection after `maxRequestsPerSocket` requests. */
export function trackOpenRequests(server: Server): OpenRequests {
  const connections = new Map<Duplex, Connection>()
  let unanswered = 0
  let waiting: (() => void)[] = []
  const answered = (count: number): void => {
    unanswered -= count
    if (unanswered > 0) return
    for (const resolve of waiting) resolve()
    waiting = []
  }
  const open = (socket: Duplex): Connection => {
    const connection: Connection = { requests: 0, unanswered: new Set() }
    connections.set(socket, connection)
    // Node emits no `close` on an answer that is queued behind another answer, so the connection's own `close` counts.
    socket.once('close', () => {
      connections.delete(socket)
      answered(connection.unanswered.size)
      connection.unanswered.clear()
    })
    return connection
  }
  server.prependListener('request', (req, answer) => {
    const connection = connections.get(req.socket) ?? open(req.socket)
    connection.unanswered.add(answer)
    unanswered++
    // Node announces the last request of a connection by itself, but leaves it to the caller to close the connection.
    if (++connection.requests === server.maxRequestsPerSocket) answer.setHeader('Connection', 'close')
    answer.once('close', () => {
      if (!req.complete) connection.early = answer
      if (connection.unanswered.delete(answer)) answered(1)
    })
  })
  return {
    get connections() {
      return connections.size
    },
    unansweredOn: (socket) => [...(connections.get(socket)?.unanswered ?? [])],
    answeredEarly: (socket) => connections.get(socket)?.early?.req.complete === false,
    allAnswered: () => (unanswered === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
