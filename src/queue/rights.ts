// What the user of Redis must be allowed: each command is tried once on a new connection, with keys and a channel that nobody uses.
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import { isWrongType } from './mend.ts'

/** A command, and a try of it that leaves nothing behind. */
export interface Right {
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

/** Commands that the other connections of a node send. The last one ends what a connection is good for. */
export const FURTHER_RIGHTS: readonly Right[] = [
  { command: 'LPUSHX', needed: true, try: (client, { probe }) => client.lpushx(probe, '') },
  { command: 'BRPOP', needed: true, try: (client, { probe }) => client.brpop(probe, 0.01) },
  { command: 'SUBSCRIBE', try: (client, keys) => client.subscribe(keys.channel('probe')) },
]

/** A command that Redis refuses, and how. */
export interface Refused {
  readonly command: string
  readonly needed: boolean
  readonly error: unknown
}

/** Tries all in one round trip, and tells what is refused. */
export async function triedCommands(client: Redis, keys: Keys, rights = RIGHTS): Promise<Refused[]> {
  const tries = await Promise.allSettled(rights.map((right) => right.try(client, keys)))
  return tries.flatMap((tried, at) => {
    const right = rights[at]
    // Redis looks at the type last: it would have done it.
    if (!right || tried.status === 'fulfilled' || isWrongType(tried.reason)) return []
    return [{ command: right.command, needed: right.needed === true, error: tried.reason }]
  })
}

/** The same, but rejects when that is something needed. */
export async function refusedCommands(client: Redis, keys: Keys): Promise<Refused[]> {
  const refused = await triedCommands(client, keys)
  const needed = refused.find((one) => one.needed)
  if (needed) throw needed.error
  return refused
}
