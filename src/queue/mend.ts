// Keys of the wrong type: something else wrote where a list of ids belongs.
import type { Redis } from 'ioredis'

/** Whether Redis refused a command because a key holds something else than a list. */
export const isWrongType = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGTYPE')

/**
 * Deletes those of the keys that are not lists, and names them. Rejects as any command does. Between the look and the deletion another
 * node may have made a good list: its ids are lost, which costs a second.
 */
export async function mend(client: Redis, keys: readonly string[]): Promise<string[]> {
  const types = await Promise.all(keys.map((key) => client.type(key)))
  const wrong = keys.filter((_, i) => types[i] !== 'list' && types[i] !== 'none')
  if (wrong.length > 0) await client.unlink(...wrong)
  return wrong
}
