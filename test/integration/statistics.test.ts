// No statement reads more of a large table than it is for, whatever the planner takes the table for.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import type { Prepared, Query } from '../../src/store/database.ts'
import * as nodes from '../../src/store/nodes.ts'
import { types } from '../../src/store/values.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'
import { FEW } from '../support/lists.ts'
import { HOUR, ME, MINE, STATEMENTS, TOKEN } from '../support/statements.ts'
import { scheduleStatements } from './schedule-statements.ts'

const ENDED = 60_000
const WAITING = 10_000
const HELD = 3_000
const [LIVE, DEAD, LONG_GONE] = [randomUUID(), randomUUID(), randomUUID()]

/** The tables that grow with the tasks. */
const TABLES = ['tasks', 'task_labels', 'attempts']
/** What is told of the tasks that have ended. */
const TELL = `insert into task_labels select 'run=1', id from tasks where status = 'complete';
  insert into attempts (task, step, attempt, started_at, ms, outcome) select id, 0, 1, now(), 1, '503' from tasks`

/** What the planner was told, at a time at which the table was so. */
const TOLD: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'that it is empty': 'vacuum analyze tasks',
  'that it has one waiting row': 'insert into tasks (key, service, action, payload, payload_bytes) values (gen_random_uuid(), \'svc\', \'a\', \'{}\', 2); analyze tasks', // prettier-ignore
  'that all rows wait': `${fill('waits', 2_000)}; analyze tasks`,
  'that others hold all rows': `${fill('held', 2_000)}; analyze tasks`,
  'that this node holds all rows': `${fill('held', 2_000, ME)}; analyze tasks; truncate tasks`,
  'that all rows have ended': `${fill('ended', 2_000)}; analyze tasks`,
  'that there are ten rows on one page': `${fill('ended', 2_000)}; analyze tasks; update pg_class set relpages = 1, reltuples = 10 where oid = 'tasks'::regclass`,
}

function fill(how: 'waits' | 'held' | 'ended', count: number, node = LIVE, service = 'svc', due = '-1 minute'): string {
  return `insert into tasks (key, service, action, payload, payload_bytes, status, node, token, attempt, finished_at, created_at, run_at, labels)
    select gen_random_uuid(), '${service}', 'a', '{}', 2, '${{ waits: 'pending', held: 'running', ended: 'complete' }[how]}',
      ${how === 'held' ? `'${node}'` : 'null'}, ${TOKEN}, 1, ${how === 'ended' ? 'now()' : 'null'},
      now() - interval '1 minute', now() + interval '${due}', ${how === 'ended' ? `'{"run":"1"}'` : 'null'} from generate_series(1, ${count})`
}

describe('a statement of a node', () => {
  let database: TestDatabase
  let client: pg.Client
  beforeEach(async () => {
    database = await createMigrated()
    client = new pg.Client({ connectionString: database.url, types })
    await client.connect()
    await client.query('alter table tasks set (autovacuum_enabled = off)')
  })
  afterEach(async () => {
    await client.end()
    await database.drop()
  })

  const called = new Set<string>()
  const query: Query = async <Row>(sql: string | Prepared, values: readonly unknown[] = []) => {
    if (typeof sql !== 'string') called.add(sql.name)
    return (await client.query({ ...(typeof sql === 'string' ? { text: sql } : sql), values: [...values] }))
      .rows as Row[]
  }
  /** How many rows of the table and entries of its indexes were read so far in this transaction. */
  const looked = async (): Promise<number> => {
    const [row] = await query<{ rows: string }>(
      `select sum(pg_stat_get_xact_tuples_returned(oid)) as rows from pg_class
       where oid = any($1::regclass[]) or oid in (select indexrelid from pg_index where indrelid = any($1::regclass[]))`,
      [TABLES],
    )
    return Number(row?.rows)
  }
  const idsOf = async (where: string): Promise<string[]> =>
    (await query<{ id: string }>(`select id from tasks where ${where} order by id limit ${MINE}`)).map(({ id }) => id)

  for (const [what, told] of Object.entries(TOLD))
    it(`reads no more than it is for where the planner was told ${what}`, async () => {
      await client.query(told)
      for (const [id, ms] of [
        [ME, HOUR],
        [LIVE, HOUR],
        [DEAD, -HOUR],
        [LONG_GONE, -48 * HOUR],
      ] as const)
        // prettier-ignore
        await nodes.enroll(query, { id, name: 'n', services: ['svc', 'other', 'third'] }, ms)
      await client.query(fill('ended', ENDED / 2))
      await client.query(fill('waits', WAITING))
      await client.query(fill('waits', 2_000, ME, 'other', '1 hour'))
      await client.query(fill('held', HELD))
      await client.query(fill('held', MINE, DEAD, 'third'))
      await client.query(fill('held', MINE, ME))
      await client.query(fill('ended', ENDED / 2))
      await client.query(TELL)
      const held = await idsOf(`node = '${ME}'`)
      const waiting = await idsOf(`status = 'pending' and service = 'svc'`)
      const [last] = await query<{ highest: string }>('select max(id) as highest from tasks')
      const mine = held.map((id) => ({ id, token: TOKEN, node: ME }))
      const ground = { query, mine, waiting, highest: last?.highest ?? '0' }
      const toomuch: Record<string, string> = {}
      for (const [name, { before, run, most = FEW, finds }] of Object.entries({
        ...scheduleStatements(ME, MINE),
        ...STATEMENTS,
      })) {
        await client.query('begin')
        if (before !== undefined) await client.query(before)
        const start = await looked()
        const found = await run(ground)
        const all = (await looked()) - start
        await client.query('rollback')
        if (all > most) toomuch[name] = `${all}, of ${most} at most`
        if (finds !== undefined && found !== finds) toomuch[name] = `found ${found}, not ${finds}`
      }
      expect(toomuch).to.deep.equal({})
      const routines = await query<{ name: string }>(
        `select proname as name from pg_proc where proname like 'task\\_api\\_%' and prorettype <> 'trigger'::regtype`,
      )
      expect(routines.map(({ name }) => name)).to.have.members([...called])
    })
})
