// What the tests of the supervisor's parts build on; only what a test is about is given.
import { type Service, type Services, SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import type { Held } from '../../../src/supervisor/hands.ts'
import { type Log, makeLog } from '../../../src/telemetry/log.ts'

/** A claim in hand. */
export const aHeld = (over: Partial<Held> = {}): Held => ({
  id: '1',
  token: 11,
  node: 'me',
  service: 'billing',
  action: 'charge',
  crashes: 0,
  attempt: 1,
  thread: undefined,
  writing: false,
  epoch: 1,
  ...over,
})

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
