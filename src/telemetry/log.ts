// The log: the events of a node as pino's JSON lines on stdout; on a terminal the same lines made short and readable.
import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import type { Identity } from '../core/identity.ts'
import { type Args, type EventName, EVENTS, type Subscriber } from './events.ts'
import type { EventRow } from './row.ts'
import { openSink } from './sink.ts'

/** Where a node says what happens. */
export interface Log {
  /** Tells an event to every subscriber: the log first. Never throws. */
  event<N extends EventName>(name: N, ...fields: Args<N>): void
  /** Whether anybody wants this event: asked where an event is so frequent that its fields should not be made for nobody. */
  hears(name: EventName): boolean
}

/** Tells events to subscribers, in their order. */
export const logTo = (...subscribers: readonly Subscriber[]): Log => ({
  event: (name, ...fields) => {
    for (const subscriber of subscribers) subscriber[name]?.(...fields)
  },
  hears: (name) => subscribers.some((subscriber) => subscriber[name] !== undefined),
})

/** Makes the log of a node. `level` is one of pino's levels, or `silent`. `write` takes the lines, in place of stdout. */
export function makeLog(level: string, identity: Identity, write?: (line: string) => void): Log {
  const mixin = (): object => ({ node: identity.node })
  const lines = pino(
    { level, base: null, mixin, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'err' },
    { write: write ?? toStdout((dropped) => log.event('log_lines_dropped', { dropped })) },
  )
  const log = logTo(linesOf(lines))
  return log
}

/** A log that says nothing. */
export const silentLog = (): Log => logTo()

/** Writes a line for each event whose level is on. */
function linesOf(lines: Logger): Subscriber {
  const rows = Object.entries<EventRow>(EVENTS).filter(([, { level }]) => lines.isLevelEnabled(level))
  return Object.fromEntries(
    rows.map(([name, { event = name, level, text }]) => {
      // The name is put into words once, not for each line.
      const line = lines.child({ event })
      return [name, (fields?: object): void => line[level](fields, text)]
    }),
  )
}

function toStdout(told: (dropped: number) => void): (line: string) => void {
  const sink = openSink(1, told)
  const text = isatty(1) ? readableLine : (line: string): string => line
  return (line) => sink.write(text(line), line.startsWith('{"level":60'))
}

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace ',
  20: 'debug ',
  30: '',
  40: 'warn ',
  50: 'error ',
  60: 'fatal ',
}

/**
 * Turns one JSON line into one readable line: time, level where it is not info, message, then the rest as key=value. A person
 * reads the message in place of the event's name. On a terminal there is one node, so that its id says nothing.
 */
export function readableLine(line: string): string {
  const { time, level, msg, event: _event, node: _node, ...rest } = JSON.parse(line) as Line
  const pairs = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${time.slice(11, 23)} ${LEVELS[level] ?? ''}${[msg ?? '', ...pairs].join('  ')}\n`
}

interface Line {
  readonly time: string
  readonly level: number
  readonly msg?: string
  readonly event?: string
  readonly node?: string
}
