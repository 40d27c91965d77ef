// Whether the node lives, and whether it is ready for requests.
import type { Context } from 'koa'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'

/** GET /livez */
export async function showLife(_api: ApiContext, ctx: Context): Promise<void> {
  sendJson(ctx, 200, '{"status":"up"}')
}

/** GET /readyz: names each part. Without Redis everything still works, so that is no reason to be unready. */
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
 * Asks `ping`, for `limit` milliseconds at most; false when it fails or takes longer. Those who ask meanwhile share the
 * answer, so that a Postgres that hangs does not collect questions.
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
