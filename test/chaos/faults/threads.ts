// Tasks that kill the thread which runs them.
import { setTimeout as passed } from 'node:timers/promises'
import type { Rig } from '../rig.ts'
import { Breach } from '../row.ts'
import { type Fault, NORMAL } from './fault.ts'

/** How a poison task kills its thread. `memory` needs nodes that believe their machine to be small. */
export type Poison = 'throw' | 'exit' | 'loop' | 'memory'

/** How long a poison task may take to be found out, ms: some deaths, and the waits for the quarantine. */
const FOUND_OUT = 90_000

/** Posts a poison task through a node and waits for its end: `complete`, or the code of its failure; undefined when it was not taken. */
export async function convicted(rig: Rig, how: Poison, url: string): Promise<string | undefined> {
  rig.referee.answer('poison', () => undefined)
  const json = `{"service":"svc","action":"poison.${how}","payload":{"poison":true}}`
  const outcome = await rig.callers.call('POST', `${url}/tasks`, json)
  if (typeof outcome === 'string' || outcome.status !== 302) return undefined
  const id = String(outcome.headers.location).replace('/tasks/', '')
  for (const end = performance.now() + FOUND_OUT; performance.now() < end; await passed(50)) {
    const [row] = await rig.postgres.sql<{ status: string; code: string | null }>(
      `select status, error::json ->> 'code' as code from tasks where id = $1`,
      [id],
    )
    if (row?.status === 'failed' || row?.status === 'complete') return row.code ?? row.status
  }
  throw new Breach([`poison by ${how} (/tasks/${id}) has not ended`])
}

const poison = (how: Poison): Fault => ({
  name: `a thread dies: ${how}`,
  group: 'threads',
  normal: NORMAL.node,
  strike: async (rig, random) => {
    const { url } = random.pick(rig.members)
    const code = await convicted(rig, how, url)
    if (code !== undefined && code !== 'crashed') throw new Breach([`poison by ${how} ended as ${code}`])
  },
})

export const THREAD_FAULTS: readonly Fault[] = (['throw', 'exit', 'loop'] as const).map(poison)
