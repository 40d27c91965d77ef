// A service without tasks, as Postgres knows it.
import type { ServiceView } from '../../../src/store/services.ts'

/** A service of this name. */
export const aService = (name: string): ServiceView => ({
  name,
  pausedAt: null,
  pausedBy: null,
  reason: null,
  gatedUntil: null,
  running: 0,
  waiting: 0,
  delayed: 0,
  retrying: 0,
  oldestMs: null,
  complete: 0,
  failed: 0,
  limit: null,
  nodes: ['a:1'],
})
