// The rules for single values, each with a text that says what is expected.
import { isIP } from 'node:net'
import { formatDuration, parseDuration } from '../core/units.ts'

/** Reads a value from text; undefined when the text is not what is `expected`. */
export interface Rule<T> {
  readonly expected: string
  /** What was expected of this text, where that is more precise than `expected`. */
  readonly wanted?: (text: string) => string | undefined
  parse(text: string): T | undefined
}

/** A whole number in plain decimal digits, `least` to `most`. */
export const wholeNumber = (least: number, most: number): Rule<number> => ({
  expected: `a whole number from ${least} to ${most}`,
  parse: (text) => within(/^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : undefined, least, most),
})

/** A duration with its unit, in milliseconds; `least` 0 also allows a bare `0`. */
export const duration = (least: number, most: number): Rule<number> => ({
  expected: `a duration with its unit (ms, s, m, h, d), such as 30s, from ${formatDuration(least)} to ${formatDuration(most)}`,
  parse: (text) => within(parseDuration(text), least, most),
})

/** One of a few words. */
export const oneOf = (words: readonly string[]): Rule<string> => ({
  expected: `one of ${words.join(', ')}`,
  parse: (text) => (words.includes(text) ? text : undefined),
})

/** A host name or an IP address to listen on. */
export const hostName: Rule<string> = {
  expected: 'a host name or an IP address, without port and brackets',
  parse: (text) => {
    const named =
      text.length <= 253 &&
      text.split('.').every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
    const numeric = /^[0-9.]+$/.test(text)
    return isIP(text) > 0 || (named && !numeric) ? text : undefined
  },
}

/** Whether the host of a URL, in the form of the URL standard, can be connected to. A name may end with a dot. */
export const isHostOfUrl = (host: string): boolean =>
  /^\[.*\]$/.test(host) ? isIP(host.slice(1, -1)) === 6 : hostName.parse(host.replace(/\.$/, '')) !== undefined

/** The prefix of every Redis key. Braces would move the keys of one list to different nodes of a Redis Cluster. */
export const keyPrefix: Rule<string> = {
  expected: '1 to 100 visible ASCII characters without braces',
  parse: (text) => (/^[!-z|~]{1,100}$/.test(text) ? text : undefined),
}

/** A path of the file system. */
export const filePath: Rule<string> = {
  expected: 'a path',
  parse: (text) => (text.includes('\0') ? undefined : text),
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}
