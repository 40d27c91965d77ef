// What the tests of the supervisor's parts build on; only what a test is about is given.
import { type Service, type Services, SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { type RunningTask, RunningTasks } from '../../../src/supervisor/running.ts'
import { type Log, makeLog } from '../../../src/telemetry/log.ts'

/** A task that runs. */
export const aTask = (over: Partial<RunningTask> = {}): RunningTask => ({
  id: '1',
  key: '00000000-0000-4000-8000-000000000001',
  token: 11,
  node: 'me',
  service: 'billing',
  action: 'charge',
  crashes: 0,
  attempt: 1,
  thread: undefined,
  writing: false,
  answered: false,
  granted: false,
  epoch: 1,
  ...over,
})

/** Tasks that run, on a node of ten slots. */
export const runningOf = (
  concurrency: Readonly<Record<string, number>>,
  ended: (task: RunningTask) => void = () => {},
): RunningTasks => new RunningTasks(new Lanes(10, services(concurrency), () => {}), ended)

/** Services by their concurrency. */
export const services = (concurrency: Readonly<Record<string, number>>): Services =>
  new Map(
    Object.entries(concurrency).map(([name, most]): [string, Service] => [
      name,
      { ...SERVICE_DEFAULTS, name, url: `http://${name}/`, concurrency: most },
    ]),
  )

/** A line of the log. */
export interface Line {
  readonly level: number
  readonly msg: string
  readonly [key: string]: unknown
}

/** A log whose lines a test reads. */
export function aLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = []
  const log = makeLog('trace', { node: 'n' }, (line) => lines.push(JSON.parse(line) as Line))
  return { log, lines }
}
