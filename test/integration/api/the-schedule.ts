// Schedules for an API without a database.
import type { ApiDependencies } from '../../../src/api/dependencies.ts'

/** Schedules of which there is one, named 1. */
export const theSchedule = (): ApiDependencies['store']['schedules'] => {
  const task = { service: 'billing', action: 'charge', payload: '{}', schedule: '1' }
  const when = { cron: '0 3 * * *', timezone: 'UTC', nextAt: Date.UTC(2030, 0, 1, 3), lastAt: null, lastTask: null }
  const one = {
    now: 0,
    schedule: { name: '1', ...when, task, overlap: 'allow', missed: 'one', paused: false } as const,
  }
  return {
    read: async (name) => (name === '1' ? one : undefined),
    list: async () => ({ schedules: [one], more: false }),
    now: async () => 0,
    put: async () => true,
    remove: async (name) => name === '1',
    pause: async (name) => name === '1',
    resume: async ({ name }) => name === '1',
    due: async () => ({ schedules: [], now: 0, next: null }),
    fire: async () => [],
  }
}
