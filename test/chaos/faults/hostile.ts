// A hostile service beside the one that behaves: tasks of all its modes at once, and what must become of them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Rig } from '../rig.ts'
import { MODES } from '../villain.ts'
import { type Fault, NORMAL } from './fault.ts'

/** The hostile service, in a process of its own, so that what it pours out does not slow the referee down. */
export interface Hostile {
  /** What task_api.yaml says of it. */
  readonly services: () => Readonly<Record<string, unknown>>
  stop(): void
}

export async function startHostile(): Promise<Hostile> {
  const villain = fork(new URL('../villain-process.js', import.meta.url))
  const [port] = (await once(villain, 'message', { signal: AbortSignal.timeout(30_000) })) as [number]
  const hostile = {
    url: `http://127.0.0.1:${port}/run/{action}`,
    timeout: '2s',
    concurrency: 40,
    maxSteps: 6,
    retry: { attempts: 2, backoff: '50ms', maxBackoff: '100ms' },
  }
  return { services: () => ({ hostile }), stop: () => void villain.kill('SIGKILL') }
}

/** Posts a task of each mode through a node; how many were taken. */
export async function postHostile(rig: Rig, url: string): Promise<number> {
  let taken = 0
  for (const mode of Object.keys(MODES)) {
    const json = `{"service":"hostile","action":"${mode}","payload":{"hostile":true}}`
    const outcome = await rig.callers.call('POST', `${url}/tasks`, json)
    if (typeof outcome !== 'string' && outcome.status === 302) taken += 1
  }
  return taken
}

/** The modes that have tasks which have not ended, and how far those are. */
export async function unendedHostile(rig: Rig): Promise<string[]> {
  const rows = await rig.postgres.sql<{ action: string; count: number; attempt: number; free: number }>(
    `select action, count(*)::integer as count, max(attempt) as attempt, count(*) filter (where node is null)::integer as free
     from tasks where service = 'hostile' and status in ('pending', 'running') group by 1`,
  )
  return rows.map(
    ({ action, count, attempt, free }) => `${count} of ${action} (${free} with no owner, try ${attempt} at most)`,
  )
}

/** Modes whose tasks did not end as the contract says. `also`: a code that other faults may bring about. */
export async function wrongEnds(rig: Rig, also?: string): Promise<string[]> {
  const rows = await rig.postgres.sql<{ action: string; how: string; count: number }>(
    `select action, case status when 'failed' then error::json ->> 'code' else status end as how, count(*)::integer as count
     from tasks where service = 'hostile' group by 1, 2`,
  )
  return rows.flatMap(({ action, how, count }) =>
    how === also || [MODES[action]?.end].flat().includes(how) ? [] : [`${count} tasks of "${action}" ended as ${how}`],
  )
}

/** Needs a rig with the hostile service. */
export const HOSTILE_FAULTS: readonly Fault[] = [
  {
    name: 'a hostile service',
    group: 'hostile',
    normal: NORMAL.node,
    strike: async (rig, random) => void (await postHostile(rig, random.pick(rig.members).url)),
  },
]
