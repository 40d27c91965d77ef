// The scene of a change of many tasks: what the others notice while 100,000 are cancelled, retried or deleted.
import type { Engines } from './engines.ts'
import { perTask } from './loads.ts'
import { type Contender, type Run, measured } from './measure.ts'
import { DEAD } from './peers.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

/** Tasks to change. */
const ROWS = 100_000
/** The contender that changes nothing. */
const NONE = 'no bulk'

const WAITING = `status) select gen_random_uuid(), '${DEAD}', 'run', $1, 99, now() + interval '1 day', null, null, 'pending'`
const FAILED = `status) select gen_random_uuid(), '${DEAD}', 'run', $1, 99, now(), now(), '{"code":"service_error"}', 'failed'`
/** The others: what the tasks are before, and what they are changed by. */
const CHANGES: Readonly<Record<string, { readonly rows: string; readonly path: string }>> = {
  [NONE]: { rows: FAILED, path: '' },
  cancel: { rows: WAITING, path: `/tasks/cancel?service=${DEAD}&status=pending` },
  // Spread so far that hardly any of them begins.
  retry: { rows: FAILED, path: `/tasks/retry?service=${DEAD}&status=failed&rate=1000/h` },
  delete: { rows: FAILED, path: `/tasks/delete?service=${DEAD}&status=failed` },
}
export const CHANGERS = Object.keys(CHANGES)
export const BULK_GOALS: readonly Goal[] = CHANGERS.filter((name) => name !== NONE).map((of) => ({
  figure: 'tasks/s',
  of,
  against: NONE,
  least: 0.9,
}))
/** What the stub keeps waiting, should it begin. */
const PAYLOAD = JSON.stringify({ i: 0, steps: 0, at: '0', hold: true, delay: 0, timed: false })

/** The saturation, beside a change of many tasks that goes on all the while. */
export async function beside(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const { rows, path } = CHANGES[contender.name] ?? { rows: FAILED, path: '' }
  const ground = { services: (stub: string) => ({ [DEAD]: { url: `${stub}/run` } }) }
  const over = async ({ ground: { database } }: Run): Promise<void> => {
    await database.run(
      `insert into tasks (key, service, action, payload, payload_bytes, run_at, finished_at, error, ${rows} from generate_series(1, ${ROWS})`,
      [PAYLOAD],
    )
    await database.run('vacuum analyze tasks')
  }
  const { said, measured: run } = await measured(
    engines,
    { ...contender, ground },
    { count: warm, over },
    async (on) => {
      const end = path === '' ? async () => 0 : follow(`${on.running[0]?.url}`, path)
      try {
        await on.post({ count })
        await on.finals(count)
        await on.ended()
      } finally {
        await end()
      }
      return end()
    },
  )
  return { ...perTask(run, count), 'changed/s': said / run.seconds }
}

/**
 * Makes the calls of a change of many tasks, one after another. The call that it returns ends that at once, and tells how many were
 * changed; what the last call has changed, which it cuts off, is not counted.
 */
function follow(url: string, path: string): () => Promise<number> {
  const stop = new AbortController()
  let changed = 0
  const calls = async (): Promise<void> => {
    for (let next: string | null = path; next !== null && !stop.signal.aborted;) {
      const answer = await fetch(url + next, { method: 'POST', signal: stop.signal })
      if (answer.status !== 200)
        throw new Error(`a change of many was answered ${answer.status}: ${await answer.text()}`)
      const told = (await answer.json()) as { done: number; next: string | null }
      changed += told.done
      next = told.next
    }
  }
  const ended = calls()
  // Who ends it hears of it.
  ended.catch(() => undefined)
  return async () => {
    stop.abort()
    await ended.catch((error: unknown) => {
      if (!stop.signal.aborted || (error as Error).name !== 'AbortError') throw error
    })
    return changed
  }
}
