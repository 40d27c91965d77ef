// The sizes that the contract promises.

/** The most containers that JSON may be nested; the outermost counts as 1. */
export const MAX_DEPTH = 512

/** The longest body of a request to us, and of a service's answer that is kept. Bytes. */
export const MAX_BODY = 1024 * 1024

/** How much of a failed answer's body is kept with the task. Bytes. */
export const ERROR_BODY = 64 * 1024

/** The most headers that a request to us may have: beyond them Node would drop headers without a word. */
export const MAX_HEADERS = 64

/** A page of the list ends once it passes this. Bytes of payload. */
export const PAGE_BYTES = 8 * 1024 * 1024

/** The most rows that are read for one page of the list, whatever its filters. */
export const PAGE_ROWS = 10_000

/** Tasks on one page of the list. */
export const LIST_LIMIT = { default: 100, max: 1000 } as const

/** The most faults that one refusal names: a body of 1 MiB can hold hundreds of thousands. */
export const MAX_FAULTS = 100
