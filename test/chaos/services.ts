// What a node of a run is told of its target services: the referee, twice, and whatever a run adds.
import type { Setup } from './setup.ts'

/** The keys of Redis on which ids of these services wait. */
export const REDIS_LISTS = ['task_api:{queue}:svc', 'task_api:{queue}:slow']

/** What task_api.yaml says, given the port at which a node reaches the referee. */
export function services(setup: Setup, port: number, node: string): Readonly<Record<string, unknown>> {
  const referee = serviceAt(port, node)
  return {
    svc: { ...referee, ...setup.service },
    // What is in flight when a node freezes is still waited for when it wakes up.
    slow: { ...referee, timeout: `${30 / setup.scale}s` },
    ...setup.services?.(port, node),
  }
}

/** The registration of the referee at a node. Tasks are never given up: whether they end is what a run asks. */
export const serviceAt = (port: number, node: string): Record<string, unknown> => ({
  url: `http://127.0.0.1:${port}/run/{action}`,
  concurrency: 100,
  timeout: '8s',
  retry: { attempts: 0, backoff: '100ms', maxBackoff: '1s' },
  headers: { 'X-Node': node },
})
