// The `Prefer` header (RFC 7240): what a caller would like to have in the answer.
import type { Context } from 'koa'

/** The longest that an answer waits for the end of a task, s. */
export const MAX_WAIT_SECONDS = 60

export interface Preferences {
  /** Whether the answer to a POST is a 201 with the task. */
  readonly representation: boolean
  /** How long the answer may wait for the end of the task, s. */
  readonly wait: number | undefined
}

const NONE: Preferences = { representation: false, wait: undefined }

/** Reads what a caller prefers. The first preference of each name counts; what makes no sense is ignored. */
export function preferencesOf(ctx: Context): Preferences {
  const header = ctx.get('Prefer')
  if (header === '') return NONE
  const given = new Map<string, string>()
  for (const wish of header.split(',')) {
    const [name = '', value = ''] = (wish.split(';', 1)[0] ?? '')
      .replaceAll(/[ \t"]/g, '')
      .toLowerCase()
      .split('=', 2)
    if (!given.has(name)) given.set(name, value)
  }
  const wait = given.get('wait') ?? ''
  return {
    representation: given.get('return') === 'representation',
    wait: /^\d{1,9}$/.test(wait) ? Math.min(MAX_WAIT_SECONDS, Number(wait)) : undefined,
  }
}
