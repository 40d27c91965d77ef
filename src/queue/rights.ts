// What the user of Redis must be allowed: each command is tried once on a new connection, with keys and a channel that nobody uses.
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import { isWrongType } from './mend.ts'

interface Right {
  readonly command: string
  /** Without it no ids get through; without any other one all works, but later or less well. */
  readonly needed?: true
  try(client: Redis, keys: Keys): Promise<unknown>
}

/** One row a command. In this order they leave nothing behind. */
const RIGHTS: readonly Right[] = [
  { command: 'LPUSH', needed: true, try: (client, { probe }) => client.lpush(probe, '') },
  { command: 'RPOP', needed: true, try: (client, { probe }) => client.rpop(probe, 1) },
  { command: 'UNLINK', try: (client, { probe }) => client.unlink(probe) },
  { command: 'TYPE', try: (client, { probe }) => client.type(probe) },
  { command: 'PUBLISH', try: (client, keys) => client.publish(keys.channel('probe'), '') },
  { command: 'PING', try: (client) => client.ping() },
  { command: 'CLIENT ID', try: (client) => client.client('ID') },
  { command: 'CLIENT UNBLOCK', try: (client) => client.client('UNBLOCK', 0) },
]

/** A command that Redis refuses, and how. */
export interface Refused {
  readonly command: string
  readonly error: unknown
}

/** Tries all in one round trip, and tells what is refused. Rejects when that is something needed. */
export async function refusedCommands(client: Redis, keys: Keys): Promise<Refused[]> {
  const tries = await Promise.allSettled(RIGHTS.map((right) => right.try(client, keys)))
  return tries.flatMap((tried, at) => {
    const right = RIGHTS[at]
    // Redis looks at the type last: it would have done it.
    if (!right || tried.status === 'fulfilled' || isWrongType(tried.reason)) return []
    if (right.needed) throw tried.reason
    return [{ command: right.command, error: tried.reason }]
  })
}
