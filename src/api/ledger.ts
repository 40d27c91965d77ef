// What each connection has asked, and which answers it is still owed.
import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

export interface Ledger {
  /** Connections that are open and have asked something. */
  readonly open: number
  /** The answers that a connection is still owed, oldest first. */
  owedOn(socket: Duplex): readonly ServerResponse[]
  /** Whether the request that is coming in has had its answer already, as when it was refused before its body came. */
  answeredEarly(socket: Duplex): boolean
  /** Resolves when no answer is owed on any connection. */
  settled(): Promise<void>
}

interface Connection {
  requests: number
  readonly owed: Set<ServerResponse>
  /** The last answer that was given before its request had come in whole. */
  early?: ServerResponse
}

/** Keeps the ledger of a server from now on, and closes connections that have had their share of requests. */
export function keepLedger(server: Server): Ledger {
  const connections = new Map<Duplex, Connection>()
  let owed = 0
  let waiting: (() => void)[] = []
  const settle = (count: number): void => {
    owed -= count
    if (owed > 0) return
    for (const resolve of waiting) resolve()
    waiting = []
  }
  const open = (socket: Duplex): Connection => {
    const connection: Connection = { requests: 0, owed: new Set() }
    connections.set(socket, connection)
    // An answer that waits behind another one does not hear that its connection closed.
    socket.once('close', () => {
      connections.delete(socket)
      settle(connection.owed.size)
      connection.owed.clear()
    })
    return connection
  }
  server.prependListener('request', (req, answer) => {
    const connection = connections.get(req.socket) ?? open(req.socket)
    connection.owed.add(answer)
    owed++
    // Node announces the end of a connection by itself, but then leaves it to the caller to close.
    if (++connection.requests === server.maxRequestsPerSocket) answer.setHeader('Connection', 'close')
    answer.once('close', () => {
      if (!req.complete) connection.early = answer
      if (connection.owed.delete(answer)) settle(1)
    })
  })
  return {
    get open() {
      return connections.size
    },
    owedOn: (socket) => [...(connections.get(socket)?.owed ?? [])],
    answeredEarly: (socket) => connections.get(socket)?.early?.req.complete === false,
    settled: () => (owed === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
