// Waits that say "long enough for every node to have done something that it must not do".
import { eventually } from './eventually.ts'
import type { World } from './world.ts'

/** Resolves when every live node has beaten so many times more: between two beats a node also passes once at least. */
export async function beats(world: Pick<World, 'sql'>, count: number): Promise<void> {
  const read = async (): Promise<Map<string, string>> => {
    const rows = await world.sql<{ id: string; until: string }>(
      'select id, lease_until::text as until from nodes where lease_until > now()',
    )
    return new Map(rows.map(({ id, until }) => [id, until]))
  }
  for (let i = 0; i < count; i += 1) {
    const before = await read()
    await eventually(async () => {
      const now = await read()
      for (const [id, until] of before) if (now.get(id) === until) throw new Error(`${id} has not beaten yet`)
    })
  }
}
