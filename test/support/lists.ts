// What lists and changes in bulk read of a large table: the rows of the table of statements that are about pages and windows.
import type { Filters } from '../../src/core/view.ts'
import { readWindow } from '../../src/store/bulk.ts'
import type { Query } from '../../src/store/database.ts'
import { type FailuresQuery, readFailures } from '../../src/store/failures.ts'
import type { ClaimRef } from '../../src/store/fenced.ts'
import { readPage } from '../../src/store/pages.ts'
import { sealsOf } from '../../src/store/seal.ts'

/** For statements that look at a few rows; entries of indexes count as well. */
export const FEW = 300

export interface Ground {
  readonly query: Query
  /** Claims of ours, and ids of waiting rows. */
  readonly mine: readonly ClaimRef[]
  readonly waiting: readonly string[]
  readonly highest: string
}

/** A statement, or a case of one. */
export interface Row {
  /** SQL that changes the table before; in the transaction that is rolled back. */
  readonly before?: string
  /** How much it may look at; default: `FEW`. */
  readonly most?: number
  /** Runs it; how many rows it found or changed. */
  run(ground: Ground): Promise<number>
  /** Default: any. */
  readonly finds?: number
}

const page = async ({ query }: Ground, asked: Partial<Parameters<typeof readPage>[2]>): Promise<number> =>
  (await readPage(query, sealsOf(), { limit: 100, ...asked })).tasks.length
const window = async ({ query }: Ground, filters: Filters): Promise<number> =>
  (await readWindow(query, filters, { after: '0', until: undefined, most: 100 })).ids.length
const failures = async ({ query }: Ground, asked: Partial<FailuresQuery>): Promise<number> =>
  (await readFailures(query, { since: { ago: 3_600_000 }, ...asked })).reduce((sum, { count }) => sum + count, 0)
const failed = (
  count: number,
): string => `update tasks set status = 'failed', error = '{"code":"crashed"}', caller = 'shop'
  where id in (select id from tasks where status = 'complete' order by id limit ${count})`

/** On a table in which most tasks have ended, none has failed, and the label \`run=1\` is of many. */
export const LISTS: Readonly<Record<string, Row>> = {
  list: { finds: 100, most: 500, run: (ground) => page(ground, {}) },
  'list by status': { finds: 100, most: 500, run: (ground) => page(ground, { status: ['running'] }) },
  'list by a status that none has': { finds: 0, run: (ground) => page(ground, { status: ['failed'] }) },
  'list by service': { finds: 100, most: 500, run: (ground) => page(ground, { service: 'svc' }) },
  'list by a service that is not there': { finds: 0, run: (ground) => page(ground, { service: 'none' }) },
  'list by caller': { finds: 0, run: (ground) => page(ground, { caller: 'app' }) },
  'list by caller and more': { finds: 0, run: (ground) => page(ground, { caller: 'app', service: 'svc', status: ['running'] }) }, // prettier-ignore
  'list by some services': { finds: 0, most: 21_000, run: (ground) => page(ground, { services: ['none', 'no'] }) },
  'list by both': { most: 21_000, run: (ground) => page(ground, { service: 'svc', status: ['failed'] }) },
  'list by action': { most: 21_000, run: (ground) => page(ground, { action: 'none' }) },
  'list by an error that none has': { finds: 0, run: (ground) => page(ground, { error: 'timeout' }) },
  'list by ids': { finds: 10, run: (ground) => page(ground, { ids: ground.waiting }) },
  'list by a label': { finds: 100, most: 500, run: (ground) => page(ground, { labels: { run: '1' } }) },
  'list by a label that none has': { finds: 0, run: (ground) => page(ground, { labels: { a: 'b' } }) },
  'list by two labels': { finds: 0, most: 21_000, run: (ground) => page(ground, { labels: { run: '1', a: 'b' } }) },
  'list by two statuses that few have': { most: 11_000, run: (ground) => page(ground, { status: ['pending', 'failed'] }) }, // prettier-ignore
  'list by times at which there was none': { finds: 0, most: 11_000, run: (ground) => page(ground, { createdAfter: '2999-01-01T00:00:00Z' }) }, // prettier-ignore
  'list by what has been retried': { finds: 0, most: 11_000, run: (ground) => page(ground, { retried: true }) },
  failures: { finds: 0, run: (ground) => failures(ground, {}) },
  'failures of a service': { finds: 0, run: (ground) => failures(ground, { service: 'svc' }) },
  'failures of a caller': { finds: 0, run: (ground) => failures(ground, { caller: 'app' }) },
  'window of all': {
    finds: 100,
    most: 500,
    run: (ground) => window(ground, {}),
  },
  'window by status': { finds: 100, most: 500, run: (ground) => window(ground, { status: ['running'] }) }, // prettier-ignore
  'window by service': { finds: 100, most: 500, run: (ground) => window(ground, { service: 'svc' }) }, // prettier-ignore
  'window by caller': { finds: 0, run: (ground) => window(ground, { caller: 'app' }) },
  'window by ids': {
    finds: 10,
    run: (ground) => window(ground, { ids: ground.waiting }),
  },
  'window by a label': { finds: 100, most: 500, run: (ground) => window(ground, { labels: { run: '1' } }) }, // prettier-ignore
  'window by a label that none has': { finds: 0, run: (ground) => window(ground, { labels: { a: 'b' } }) }, // prettier-ignore
}

/** After the others: what is rolled back leaves entries in the indexes. */
export const LATE_LISTS: Readonly<Record<string, Row>> = {
  'list by an error, with many failed': { before: failed(3_000), finds: 0, most: 3_000, run: (ground) => page(ground, { error: 'timeout' }) }, // prettier-ignore
}

/** After all others: these leave many entries. */
export const LAST_LISTS: Readonly<Record<string, Row>> = {
  'failures, with very many': { before: failed(11_000), finds: 10_000, most: 25_000, run: (ground) => failures(ground, {}) }, // prettier-ignore
  'failures of a caller, with very many': { before: failed(11_000), finds: 10_000, most: 25_000, run: (ground) => failures(ground, { caller: 'shop' }) }, // prettier-ignore
  // It steps over the entries that the rows before have left.
  'failures of a service, with very many': { before: failed(11_000), finds: 10_000, most: 45_000, run: (ground) => failures(ground, { service: 'svc' }) }, // prettier-ignore
}
