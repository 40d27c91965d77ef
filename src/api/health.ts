// The health checks: whether the node is alive, and whether the node is ready for requests.
import type { Context } from 'koa'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'

/** GET /livez */
export async function showLife(_api: ApiContext, ctx: Context): Promise<void> {
  sendJson(ctx, 200, '{"status":"up"}')
}

/** GET /readyz: shows the state of each part. A node without Redis is slower but works, so the node is ready. */
export async function showReadiness(api: ApiContext, ctx: Context): Promise<void> {
  const postgres = await api.postgresAnswers()
  const { kind, healthy, limited } = api.queue
  const queue = !healthy ? 'down' : limited ? 'limited' : 'up'
  const status = api.draining() ? 'draining' : !postgres ? 'unavailable' : queue === 'up' ? 'ready' : 'degraded'
  const ready = status === 'ready' || status === 'degraded'
  const body = { status, postgres: upOrDown(postgres), queue: { kind, status: queue } }
  sendJson(ctx, ready ? 200 : 503, JSON.stringify(body))
}

/**
 * Wraps `ping` with a time limit of `limit` milliseconds; false when `ping` fails or takes longer. Concurrent calls share one
 * `ping`, so that calls do not pile up while Postgres hangs.
 */
export function boundedPing(ping: () => Promise<boolean>, limit: number): () => Promise<boolean> {
  let current: Promise<boolean> | undefined
  const ask = async (): Promise<boolean> => {
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, limit, false)))
    try {
      return await Promise.race([ping(), tooLong])
    } catch {
      return false
    } finally {
      clearTimeout(timer)
      current = undefined
    }
  }
  return () => (current ??= ask())
}

const upOrDown = (up: boolean): 'up' | 'down' => (up ? 'up' : 'down')
