// The statements of schedules, for the test that no statement reads more than it is for.
import type { Query } from '../../src/store/database.ts'
import { fireSchedules, readDue } from '../../src/store/fires.ts'
import { readPage } from '../../src/store/pages.ts'
import { readWindow } from '../../src/store/bulk.ts'
import { type Schedules, schedulesOn } from '../../src/store/schedules.ts'
import { sealsOf } from '../../src/store/seal.ts'

interface Row {
  readonly before: string
  readonly most?: number
  readonly finds: number
  run(ground: { readonly query: Query }): Promise<number>
}

const schedules = (query: Query): Schedules =>
  schedulesOn({ read: query, write: query, admit: () => undefined, seals: sealsOf() })

async function fires(query: Query): Promise<number> {
  const { schedules: due, now } = await readDue(query, 100)
  const firings = due.map((schedule) => ({
    // The connection of the test reads JSON into values.
    schedule: { ...schedule, task: { ...schedule.task, payload: '{}' } },
    nextAt: now + 3_600_000,
    makes: true,
  }))
  return (await fireSchedules(query, firings, new Map())).length
}

/** Each, in a database where a schedule is due whose tasks are the `mine` tasks that a node holds. */
export function scheduleStatements(node: string, mine: number): Readonly<Record<string, Row>> {
  const before = `update tasks set schedule = 's' where node = '${node}';
    insert into schedules (name, cron, timezone, service, action, payload, payload_bytes, options, overlap, missed, paused, next_at)
      values ('s', '0 3 * * *', 'UTC', 'svc', 'a', '{}', 2, '{}', 'skip', 'one', false, now())`
  const row = (finds: number, run: (query: Query) => Promise<number>): Row => ({
    before,
    finds,
    run: ({ query }) => run(query),
  })
  return {
    'list by schedule': row(
      mine,
      async (query) => (await readPage(query, sealsOf(), { limit: 100, schedule: 's' })).tasks.length,
    ),
    'window by schedule': row(
      mine,
      async (query) =>
        (await readWindow(query, { schedule: 's' }, { after: '0', until: undefined, most: 100 })).ids.length,
    ),
    'read a schedule': row(1, async (query) => Number((await schedules(query).read('s'))?.schedule.lastTask !== null)),
    'list schedules': row(1, async (query) => (await schedules(query).list('', 9)).schedules.length),
    'fire schedules': row(1, fires),
  }
}
