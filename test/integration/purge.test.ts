// The purge of one statement: what is deleted with a task, what is left, whose turn it is, and how little is looked at.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { Store } from '../../src/store/store.ts'
import { markOf, purge, type Purge } from '../../src/store/purges.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { holding } from './callers/asks.ts'

const HOUR = 3_600_000
const NODE = randomUUID()
const ended = (status: string, ago: string, more = ''): string =>
  `status = '${status}', finished_at = now() - interval '${ago}'${status === 'failed' ? `, error = '{}'` : ''}${more}`

describe('a purge', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await openBench()
  })
  afterEach(() => bench.close())

  const others = { complete: HOUR, failed: 3 * HOUR }
  const purged = async (over: Partial<Purge> = {}, store: Store = bench.store): Promise<Record<string, number>> => {
    const asked = { node: NODE, turn: HOUR, retained: { services: {}, others }, marks: {}, most: 500, ...over }
    return Object.fromEntries((await store.purge(asked)).map((row) => [markOf(row), row.count]))
  }
  const left = async (): Promise<string[]> =>
    (await bench.sql<{ id: string }>('select id from tasks order by id')).map(({ id }) => id)

  it('deletes what ended longer ago than it is kept, by service and status, and nothing that has not ended', async () => {
    const old = `created_at = now() - interval '1 year'`
    const stays = [
      await bench.row(ended('complete', '59 minutes', `, ${old}`)),
      await bench.row(ended('failed', '2 hours')),
      await bench.row(ended('complete', '1 year', `, service = 'for ever'`)),
      await bench.row(ended('complete', '2 hours', `, service = 'longer'`)),
      await bench.row(old),
      await bench.row(`status = 'running', ${old}`),
    ]
    await bench.row(ended('complete', '61 minutes'))
    await bench.row(ended('failed', '4 hours'))
    await bench.row(ended('failed', '4 hours', `, service = 'for ever'`))
    await bench.row(ended('complete', '2 hours', `, service = 'Removed'`))
    const services = { 'for ever': { ...others, complete: 0 }, longer: { complete: 3 * HOUR }, svc: others }
    expect(await purged({ retained: { services, others } })).to.deep.equal({
      'complete svc': 1,
      'failed svc': 1,
      'failed for ever': 1,
      'complete Removed': 1,
    })
    expect(await left()).to.deep.equal(stays)
  })

  it('keeps what nothing is said of', async () => {
    await bench.row(ended('complete', '10 years'))
    await bench.row(ended('failed', '10 years'))
    expect(await purged({ retained: { services: { svc: { complete: 0 } }, others: {} } })).to.deep.equal({})
    expect(await left()).to.have.length(2)
  })

  it('deletes the tries and the labels as well, and makes no task: it is no cancellation', async () => {
    const id = await bench.row(
      ended('failed', '1 day', `, labels = '{"a":"b"}', callback = '{"service":"svc","action":"seen"}'`),
    )
    expect(await left()).to.have.length(2)
    await bench.sql('delete from tasks where id <> $1', [id])
    await bench.sql(`insert into task_labels values ('a=b', $1)`, [id])
    await bench.sql(
      `insert into attempts (task, step, attempt, started_at, ms, outcome) values ($1, 0, 1, now(), 1, '500')`,
      [id],
    )
    expect(await purged()).to.deep.equal({ 'failed svc': 1 })
    for (const table of ['tasks', 'task_labels', 'attempts'])
      expect(await bench.sql(`select from ${table}`), table).to.deep.equal([])
  })

  it('passes over a task that is being retried, which is then there for a later one', async () => {
    const id = await bench.row(ended('failed', '1 day'))
    const end = await holding(bench.url, 'update tasks set retried_as = 5 where id = $1', [id])
    expect(await purged()).to.deep.equal({})
    await end()
    expect(await purged()).to.deep.equal({ 'failed svc': 1 })
  })

  it('is the turn of one node, until that node has asked for no more for some time', async () => {
    await bench.rows(3, ended('complete', '2 hours'))
    const other = await bench.other()
    expect(await purged({ most: 1 })).to.deep.equal({ 'complete svc': 1 })
    expect(await purged({ node: randomUUID() }, other)).to.deep.equal({})
    expect(await purged({ most: 1, turn: 0 })).to.deep.equal({ 'complete svc': 1 })
    expect(await purged({ node: randomUUID() }, other)).to.deep.equal({ 'complete svc': 1 })
  })

  it('takes as few as it is told, the oldest of a group first', async () => {
    const ids = await bench.rows(
      9,
      `status = 'complete', finished_at = now() - interval '3 hours' + id * interval '1 minute'`,
    )
    expect(await purged({ most: 4 })).to.deep.equal({ 'complete svc': 4 })
    expect(await left()).to.deep.equal(ids.slice(4))
  })

  it('looks at no more after many others, whose entries are still in the index', async () => {
    await bench.rows(6_000, `status = 'complete', finished_at = now() - interval '3 hours' + id * interval '1 second'`)
    const client = new pg.Client(bench.url)
    await client.connect()
    try {
      // Nothing that one transaction deletes is cleared away meanwhile.
      await client.query('begin')
      const query = async <Row>(sql: unknown, values: readonly unknown[] = []): Promise<Row[]> =>
        (
          await client.query({
            ...(typeof sql === 'string' ? { text: sql } : (sql as { text: string })),
            values: [...values],
          })
        ).rows
      const looked: number[] = []
      let marks: Record<string, string> = {}
      for (let turn = 0; turn < 10; turn += 1) {
        const before = await query<{ rows: string }>(LOOKED)
        const rows = await purge(query, {
          node: NODE,
          turn: HOUR,
          retained: { services: {}, others },
          marks,
          most: 500,
        })
        looked.push(Number((await query<{ rows: string }>(LOOKED))[0]?.rows) - Number(before[0]?.rows))
        expect(rows.map(({ count }) => count)).to.deep.equal([500])
        marks = Object.fromEntries(rows.map((row) => [markOf(row), row.last]))
      }
      expect(Math.max(...looked)).to.be.below(Math.min(...looked) * 1.1)
    } finally {
      await client.end()
    }
  })
})

/** Entries of the indexes of the tasks that were read in this transaction. */
const LOOKED = `select sum(pg_stat_get_xact_tuples_returned(indexrelid)) as rows from pg_index where indrelid = 'tasks'::regclass`
