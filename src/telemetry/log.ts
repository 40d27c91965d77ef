// The log: pino JSON lines on stdout; on a terminal the same lines made short and readable.
import { isatty } from 'node:tty'
import type { Identity } from '../core/identity.ts'
import { type Logger, pino } from 'pino'
import { openSink } from './sink.ts'

export type Log = Logger

/** Makes the log of a node. `level` is one of pino's levels, or `silent`. */
export function makeLog(level: string, identity: Identity): Log {
  const sink = openSink(1, (dropped) => log.error({ dropped }, 'lines of the log were dropped'))
  const text = isatty(1) ? readableLine : (line: string): string => line
  const write = (line: string): void => sink.write(text(line), line.startsWith('{"level":60'))
  const mixin = (): object => ({ node: identity.node })
  const log = pino({ level, base: null, mixin, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'err' }, { write })
  return log
}

/** A log that says nothing. */
export const silentLog = (): Log => pino({ level: 'silent' })

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace ',
  20: 'debug ',
  30: '',
  40: 'warn ',
  50: 'error ',
  60: 'fatal ',
}

/**
 * Turns one JSON line into one readable line: time, level where it is not info, message, then the rest as key=value. On a
 * terminal there is one node, so that its id says nothing.
 */
export function readableLine(line: string): string {
  const {
    time,
    level,
    msg,
    node: _,
    ...rest
  } = JSON.parse(line) as { time: string; level: number; msg?: string; node?: string }
  const pairs = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${time.slice(11, 23)} ${LEVELS[level] ?? ''}${[msg ?? '', ...pairs].join('  ')}\n`
}
