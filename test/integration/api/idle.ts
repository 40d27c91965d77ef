// A node that does nothing, as the API sees it.
import type { ApiDependencies } from '../../../src/api/dependencies.ts'
import type { Supervision } from '../../../src/core/ports.ts'
import { Meters } from '../../../src/telemetry/meters.ts'

export const idleSupervision: Supervision = {
  reserve: () => undefined,
  pushed: () => {},
  pushFailed: () => {},
  due: () => {},
  deleted: () => {},
  serviceChanged: () => {},
  scheduled: () => {},
  figures: { slots: { running: 0, reserved: 0, free: 1 }, services: [], purged: new Map() },
}

/** Nothing has been counted, and no node has told of itself. */
export const idleStore = (): Pick<ApiDependencies['store'], 'meters' | 'healthy' | 'nodes' | 'stats' | 'failures'> => ({
  meters: new Meters(),
  healthy: true,
  nodes: async () => [],
  stats: async () => [],
  failures: async () => [],
})
