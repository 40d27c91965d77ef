// Keys of the wrong type: something else wrote where a list of ids belongs.
import type { Redis } from 'ioredis'

// Looks and deletes in one step: between the two another node may have put a good list in the place.
const MEND = `
local gone = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key)['ok']
  if kind ~= 'list' and kind ~= 'none' then
    redis.call('UNLINK', key)
    gone[#gone + 1] = key
  end
end
return gone`

/** Whether Redis refused a command because a key holds something else than a list. */
export const isWrongType = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGTYPE')

/** Deletes those of the keys that are not lists, and names them. Rejects as any command does. */
export async function mend(client: Redis, keys: readonly string[]): Promise<string[]> {
  const gone = await client.eval(MEND, keys.length, ...keys)
  return Array.isArray(gone) ? gone.map(String) : []
}
