// The log: pino JSON lines on stdout; on a terminal the same lines made short and readable.
import { Writable } from 'node:stream'
import { type Logger, pino } from 'pino'

export type Log = Logger

/** Makes the log of a process. `level` is one of pino's levels, or `silent`. */
export function makeLog(level: string, out: NodeJS.WriteStream = process.stdout): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'err' }
  return out.isTTY ? pino(options, readable(out)) : pino(options, pino.destination({ dest: 1, sync: true }))
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

/** Turns one JSON line into one readable line: time, level where it is not info, message, then the rest as key=value. */
export function readableLine(line: string): string {
  const { time, level, msg, ...rest } = JSON.parse(line) as { time: string; level: number; msg?: string }
  const pairs = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${time.slice(11, 23)} ${LEVELS[level] ?? ''}${[msg ?? '', ...pairs].join('  ')}\n`
}

function readable(out: NodeJS.WriteStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      out.write(readableLine(line))
      done()
    },
  })
}
