// Writes schedules as JSON text. The payload is inserted byte for byte.
import { nextTimes } from '../core/schedule.ts'
import { locationOf } from '../core/task.ts'
import { formatDuration } from '../core/units.ts'
import type { Read } from '../store/schedules.ts'

const timeText = (ms: number): string => new Date(ms).toISOString()

/** A schedule with all its members. */
export function scheduleText({ schedule, now }: Read): string {
  const { name, cron, timezone, task, overlap, missed, paused, lastAt, lastTask, cannotDecrypt } = schedule
  const { deadline, ...options } = task.options ?? {}
  const asked = {
    service: task.service,
    action: task.action,
    ...options,
    ...(deadline !== undefined && { deadline: formatDuration(deadline) }),
  }
  const [nextAt, ...later] = nextTimes(schedule, now).map(timeText)
  const head = JSON.stringify({ name, cron, timezone }).slice(0, -1)
  const tail = {
    overlap,
    missed,
    paused,
    nextAt: nextAt ?? null,
    next: nextAt === undefined ? [] : [nextAt, ...later],
    lastAt: lastAt === null ? null : timeText(lastAt),
    lastTask: lastTask === null ? null : locationOf(lastTask),
    ...(cannotDecrypt && { cannotDecrypt }),
  }
  return `${head},"task":{${JSON.stringify(asked).slice(1, -1)},"payload":${task.payload}},${JSON.stringify(tail).slice(1)}`
}
