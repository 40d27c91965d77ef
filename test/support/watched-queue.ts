// A queue at Redis whose log and health a test can watch.
import { RedisQueue, type RedisTimes } from '../../src/queue/redis.ts'
import { makeLog } from '../../src/telemetry/log.ts'

/** A line of the log. */
export interface Line {
  readonly level: number
  readonly msg: string
  readonly reason?: string
  readonly key?: string
}

export interface WatchedQueue {
  readonly queue: RedisQueue
  /** What it logged so far. */
  readonly lines: Line[]
  /** Each change of its health so far. */
  readonly changes: boolean[]
  /** Resolves once its health is as given. */
  readonly becomes: (healthy: boolean) => Promise<void>
}

/** Makes a queue that has not started. */
export function watchedQueue(url: string, times: Partial<RedisTimes> = {}): WatchedQueue {
  const lines: Line[] = []
  const changes: boolean[] = []
  const log = makeLog('info', { node: 'n' }, (line) => lines.push(JSON.parse(line) as Line))
  const queue = new RedisQueue({ url, prefix: 'test:', log, times: { popWait: 200, ...times } })
  const waiting = new Set<() => void>()
  queue.onHealth((healthy) => {
    changes.push(healthy)
    for (const look of waiting) look()
  })
  const becomes = (healthy: boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (queue.healthy !== healthy) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { queue, lines, changes, becomes }
}
