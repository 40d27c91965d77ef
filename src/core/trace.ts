// The trace of a task, as W3C Trace Context names it: read from a POST, kept with the task, sent with each request.

/** Version, trace id, parent id, flags. Another version than 00 may have more; only what version 00 knows is kept of it. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** The flags that are known: sampled, and random. */
const KNOWN_FLAGS = 0b11
const MEMBER =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const MOST_MEMBERS = 32
const MOST_CHARACTERS = 512

/** The lengths of the parts of a kept trace: all before the parent id, and the parent id. */
const [BEFORE, PARENT] = [36, 16]

/**
 * The trace that these headers name, as a task keeps it: `traceparent` of version 00, and behind a space `tracestate` where there is
 * one. Undefined where `traceparent` is absent or malformed; a malformed `tracestate` is left out.
 */
export function traceOf(traceparent: string | undefined, tracestate: string | undefined): string | undefined {
  const [whole, version, trace, parent, flags = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? []
  if (whole === undefined || (version === '00' && more !== undefined)) return undefined
  const known = (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, '0')
  const state = stateOf(tracestate)
  return `00-${trace}-${parent}-${known}${state === undefined ? '' : ` ${state}`}`
}

function stateOf(text = ''): string | undefined {
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  const names = new Set(members.map((member) => member.slice(0, member.indexOf('='))))
  const state = members.join(',')
  const good = members.length > 0 && members.length <= MOST_MEMBERS && state.length <= MOST_CHARACTERS
  return good && names.size === members.length && members.every((member) => MEMBER.test(member)) ? state : undefined
}

/** The trace of a task: the kept one, or the one that begins with the task. Its id is then the key without dashes, and it is sampled. */
export function traceOfTask(kept: string | null | undefined, key: string): string {
  if (kept) return kept
  const id = key.replaceAll('-', '')
  return `00-${id}-${id.slice(0, PARENT)}-01`
}

/** What the next request of a task sends: its trace with a new parent id. `random` is uniform in [0, 1). */
export function newTrace(kept: string | null, key: string, random: () => number): string {
  const trace = traceOfTask(kept, key)
  return trace.slice(0, BEFORE) + half(random()) + half(random()) + trace.slice(BEFORE + PARENT)
}

/** Eight hexadecimal digits. */
const half = (random: number): string => ((random * 2 ** 32) >>> 0).toString(16).padStart(8, '0')

/** A trace as header fields, names and values alternating. */
export function headersOfTrace(trace: string): string[] {
  const space = trace.indexOf(' ')
  if (space < 0) return ['traceparent', trace]
  return ['traceparent', trace.slice(0, space), 'tracestate', trace.slice(space + 1)]
}
