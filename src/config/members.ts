// The members of the services file that are durations and whole numbers.
import { z } from 'zod'
import { DURATION_PATTERN, formatDuration } from '../core/units.ts'
import { duration as durationRule, wholeNumber } from './rules.ts'

export const DAY_MS = 86_400_000

/** A duration of the file, in milliseconds. */
export function duration(least: number, most: number, fallback: number, description: string) {
  const { read, meta } = durationFrom(least, most, description)
  return read.prefault(formatDuration(fallback)).meta(meta)
}

/** The schema of a duration that need not be given, and what the JSON Schema says of it. */
export function durationFrom(least: number, most: number, description: string) {
  const rule = durationRule(least, most)
  const text = { type: 'string', pattern: `${DURATION_PATTERN}|\\$\\{` }
  const read = z.unknown().transform((value, context) => {
    const read = value === 0 ? rule.parse('0') : typeof value === 'string' ? rule.parse(value) : undefined
    if (read !== undefined) return read
    context.addIssue({ code: 'custom', message: rule.expected })
    return z.NEVER
  })
  const meta = {
    ...(least === 0 ? { anyOf: [text, { const: 0 }] } : text),
    description: `${description} ${sentence(rule.expected)}`,
  }
  return { read, meta }
}

/** A whole number of the file. */
export function whole(least: number, most: number, fallback: number, description: string) {
  const { expected } = wholeNumber(least, most)
  const schema = z.int({ error: expected, abort: true }).min(least, expected).max(most, expected)
  return schema.prefault(fallback).meta({ description: `${description} ${sentence(expected)}` })
}

/** A text as a sentence. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
