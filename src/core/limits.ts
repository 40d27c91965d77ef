// The sizes that the contract promises.

/** The most nested containers of a JSON text; the outermost container counts as 1. */
export const MAX_DEPTH = 512

/** The longest body of a request to the API, and of a service's answer that is stored. Bytes. */
export const MAX_BODY = 1024 * 1024

/** The longest body of a batch. Bytes. */
export const MAX_BATCH_BODY = 8 * 1024 * 1024

/** The most tasks of a batch. */
export const MAX_BATCH = 1000

/** How much of a failed answer's body is stored with the task. Bytes. */
export const ERROR_BODY = 64 * 1024

/** The most headers of a request to the API. Node would silently drop further headers. */
export const MAX_HEADERS = 64

/** A page of the list ends when its payloads exceed this size. Bytes. */
export const PAGE_BYTES = 8 * 1024 * 1024

/** The most rows that are read for one page of the list, whatever its filters. */
export const PAGE_ROWS = 10_000

/** Likewise, where each failure has to be read for its code: a failure may have 64 KiB. */
export const ERROR_ROWS = 1_000

/** Tasks on one page of the list. */
export const LIST_LIMIT = { default: 100, max: 1000 } as const

/** The most faults that one refusal names: a body of 1 MiB can hold hundreds of thousands. */
export const MAX_FAULTS = 100

/** How far ahead a task may be put off, ms: 366 days. */
export const MAX_AHEAD_MS = 366 * 86_400_000
