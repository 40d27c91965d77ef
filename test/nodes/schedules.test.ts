// One task for each time of each schedule, while nodes are killed and Postgres restarts. SCHEDULE_FIRES=1000 makes a longer run of it.
import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import type { NodeProcess } from '../support/node.ts'
import { ownPostgres } from './postgres.ts'

/** So many times come at least. */
const FIRES = Number(process.env['SCHEDULE_FIRES'] ?? 240)
/** So many come between the first death and the end of a round: each has two deaths and a restart. */
const ROUND = Math.min(FIRES, 240)
const SCHEDULES = 40
/** The promise, ms; for times that came while Postgres was away it counts from when that was back. */
const SOON = 2_000

interface Task {
  readonly schedule: string
  /** Which of its schedule's tasks. */
  readonly place: number
  readonly at: number
}

async function request(
  node: NodeProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(node.url + path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.status, text).to.be.oneOf([200, 201])
  return JSON.parse(text) as Record<string, unknown>
}

async function fires(): Promise<void> {
  const postgres = await ownPostgres()
  try {
    await Fleet.during(
      async (fleet) => {
        let named = 0
        const start = async (): Promise<NodeProcess> => {
          named += 1
          const node = await fleet.start(`n${named}`, { DATABASE_URL: postgres.urls[named % 2] ?? '' })
          // On a busy machine a node listens before Postgres has answered it.
          await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200))
          return node
        }
        const nodes = await Promise.all([start(), start(), start()])
        // Others hear of the first schedule within 3 s, so the node that was told of it does not die first.
        const names = Array.from({ length: SCHEDULES }, (_, i) => `s${i}`)
        const first = new Map<string, number>()
        for (const name of names) {
          const body = { cron: '* * * * * *', task: { service: 'svc', action: 'ok' } }
          const { nextAt } = await request(nodes[2], 'PUT', `/schedules/${name}`, body)
          first.set(name, Date.parse(String(nextAt)))
        }
        const made = (count: number): Promise<void> =>
          eventually(async () => {
            const [row] = await fleet.sql<{ count: number }>('select count(*)::integer as count from tasks')
            expect(row?.count).to.be.at.least(count)
          })
        const away: { from: number; to: number }[] = []
        const die = async (): Promise<void> => {
          const [victim] = nodes.splice(0, 1)
          victim?.kill('SIGKILL')
          await victim?.exited
          nodes.push(await start())
        }
        for (let done = 0; done < FIRES; done += ROUND) {
          await made(done + ROUND / 4)
          await die()
          await made(done + ROUND / 2)
          const from = Date.now()
          await postgres.restart(500, 0)
          away.push({ from, to: Date.now() })
          await made(done + (ROUND * 3) / 4)
          await die()
          await made(done + ROUND)
        }
        const last = nodes.at(-1) as NodeProcess
        await Promise.all(names.map((name) => request(last, 'POST', `/schedules/${name}/pause`)))

        const counts = await fleet.sql<{ name: string; next: string; count: number }>(
          `select name, extract(epoch from next_at) * 1000 as next, (select count(*)::integer from tasks where schedule = name) as count from schedules`,
        )
        const wrong = counts.filter(
          ({ name, next, count }) => count !== (Number(next) - (first.get(name) ?? 0)) / 1_000,
        )
        expect(wrong, 'schedules with more or fewer tasks than times').to.deep.equal([])
        const tasks = await fleet.sql<Task>(
          `select schedule, (row_number() over (partition by schedule order by created_at, id) - 1)::integer as place,
             (extract(epoch from created_at) * 1000)::double precision as at from tasks`,
        )
        expect(tasks.length).to.be.at.least(FIRES)
        const lateness = tasks.map(({ schedule, place, at }) => {
          const time = (first.get(schedule) ?? 0) + place * 1_000
          const since = away.find(({ from, to }) => time >= from - SOON && time <= to)?.to ?? time
          return { late: at - time, over: at - Math.max(time, since) }
        })
        expect(Math.min(...lateness.map(({ late }) => late)), 'ms after its time, the earliest').to.be.at.least(0)
        expect(Math.max(...lateness.map(({ over }) => over)), 'ms after its time, the latest').to.be.below(SOON)
        await eventually(async () => expect(await fleet.unended()).to.equal(0))
        const asked = new Set(fleet.service.requests.map(({ location }) => location))
        expect(asked.size, 'tasks that the service saw').to.equal(tasks.length)
      },
      { databaseUrl: postgres.urls[1] },
    )
  } finally {
    await postgres.close()
  }
}

describe('schedules on three nodes', () => {
  it(`have one task for each of ${FIRES} times, though nodes are killed and Postgres restarts`, fires).timeout(
    60_000 + FIRES * 1_000,
  )
})
