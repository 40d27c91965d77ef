// Tasks that end in every way while nodes are killed around their ends: each end has one callback, a deletion has none, and each task
// that was cancelled or deleted is undone once.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { type Fault, NORMAL } from '../faults/fault.ts'
import { kill } from '../faults/nodes.ts'
import { POINT_FAULTS } from '../faults/points.ts'
import { PATIENCE, insist } from '../insist.ts'
import type { Rig } from '../rig.ts'
import { type At, Breach, type Figures, type Row, hold, inRig } from '../row.ts'
import { serviceAt } from '../services.ts'

/** So many callers at once. */
const WIDTH = 12
/** At least one node dies for so many tasks. */
const TASKS_A_DEATH = 100
/** Between two deaths, ms. */
const PAUSE = { least: 100, most: 600 }
/** Where a node dies: anywhere, and just before and after it has written an end. */
const DEATHS: readonly Fault[] = [kill, ...POINT_FAULTS.filter(({ name }) => name.includes('settle'))]

/** How a task ends: the referee's answer or none, what is done to it, and the code that it then shows; '': it is gone. */
interface Way {
  readonly action: string
  readonly deadline?: string
  readonly code?: string
  readonly verb?: (id: string) => readonly [method: string, path: string]
}
const WAYS: Readonly<Record<string, Way>> = {
  complete: { action: 'ends.200' },
  failed: { action: 'ends.500', code: 'service_error' },
  redirect: { action: 'ends.307', code: 'redirect' },
  'too many steps': { action: 'ends.206', code: 'too_many_steps' },
  'deadline running': { action: 'ends.hold', deadline: '1s', code: 'deadline_exceeded' },
  'deadline waiting': { action: 'ends.503', deadline: '1s', code: 'deadline_exceeded' },
  cancelled: { action: 'ends.hold', code: 'cancelled', verb: (id) => ['POST', `/tasks/${id}/cancel`] },
  'cancelled in bulk': { action: 'ends.hold', code: 'cancelled', verb: (id) => ['POST', `/tasks/cancel?ids=${id}`] },
  deleted: { action: 'ends.hold', code: '', verb: (id) => ['DELETE', `/tasks/${id}`] },
  'deleted in bulk': { action: 'ends.503', code: '', verb: (id) => ['POST', `/tasks/delete?ids=${id}`] },
}

/** The locations that the referee was asked about. */
const answerAll = ({ referee }: Rig): ReadonlySet<string> => {
  const asked = new Set<string>()
  referee.answer('ends', ({ headers }, response) => {
    asked.add(String(headers['task-location']))
    const status = Number(String(headers['task-action']).slice('ends.'.length))
    const wait = status === 503 ? { 'Retry-After': '600' } : {}
    if (status > 0) response.writeHead(status, wait).end(`{"at":${String(headers['task-step'])}}`)
  })
  for (const name of ['called', 'undone']) referee.answer(name, (_, response) => void response.writeHead(200).end('{}'))
  return asked
}

/** Posts a task, and does to it what ends it. */
async function one(rig: Rig, name: string, way: Way, asked: ReadonlySet<string>): Promise<void> {
  const { action, deadline } = way
  // Every other callback is that of the service.
  const callback = rig.random.chance(0.5) ? { service: 'svc', action: 'called.own' } : undefined
  const body = JSON.stringify({ service: 'ends', action, deadline, callback, payload: { way: name } })
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
  const { response } = await insist(rig, [302], 'POST', '/tasks', { headers, body })
  const location = response.headers.get('location') ?? ''
  if (!way.verb) return
  for (const end = performance.now() + PATIENCE; !asked.has(location); await passed(20))
    if (performance.now() > end) throw new Breach([`${location} was not sent in ${PATIENCE} ms`])
  // A repeat finds what the call before has done.
  await insist(rig, [200, 204, 404, 409], ...way.verb(location.slice('/tasks/'.length)))
}

/** Ends so many tasks or more, while nodes die. */
async function endAll(rig: Rig, { count, log }: At): Promise<Figures> {
  const asked = answerAll(rig)
  const made = new Map(Object.keys(WAYS).map((name) => [name, 0]))
  const random = rig.random.fork('faults')
  const least = Math.ceil(count / TASKS_A_DEATH)
  let [tasks, deaths, over] = [0, 0, false]
  const lane = async (): Promise<void> => {
    while (!over) {
      const name = rig.random.pick(Object.keys(WAYS))
      await one(rig, name, WAYS[name] as Way, asked)
      made.set(name, (made.get(name) ?? 0) + 1)
      tasks += 1
    }
  }
  // A node that is to die at a point comes there as long as tasks end.
  const striking = (async () => {
    while (!over && (tasks < count || deaths < least)) {
      const death = random.pick(DEATHS)
      await death.strike(rig, random)
      deaths += 1
      log(`${death.name}, ${tasks} tasks so far`)
      await passed(random.within(PAUSE.least, PAUSE.most))
    }
  })()
  const lanes = Promise.all(Array.from({ length: WIDTH }, lane))
  // Nothing is started any more when the rig is closed.
  const ends = [striking, lanes].map((part) => part.finally(() => (over = true)))
  for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason
  log(`${tasks} tasks, ${deaths} deaths`)
  return { ...(await judgeEnds(rig, made)), deaths }
}

async function judgeEnds(rig: Rig, made: ReadonlyMap<string, number>): Promise<Figures> {
  const undone = await rig.postgres.sql<{ of: string; count: number }>(
    `select payload ->> 'location' as of, count(*)::integer as count from tasks where action = 'undone' group by 1`,
  )
  // What undoes them is due 10 s later, and would only keep this run waiting. One that had begun would be undone itself.
  const since = new Date(Date.now() - 9_000).toISOString()
  await insist(rig, [200], 'POST', `/tasks/delete?service=ends&action=undone&status=pending&createdAfter=${since}`)
  // The tasks, and then their callbacks.
  for (let i = 0; i < 2; i += 1) await rig.normal(NORMAL.node)
  const rows = await rig.postgres.sql<{ id: string; way: string | null; code: string | null; callbacks: number }>(
    `select t.id, t.payload ->> 'way' as way, t.error ->> 'code' as code, coalesce(c.count, 0) as callbacks
     from tasks t left join (
       select callback_of as id, created_at, count(*)::integer from tasks where callback_of is not null group by 1, 2
     ) c on c.id = t.id and c.created_at = t.finished_at
     where t.service = 'ends' and t.action like 'ends.%'`,
  )
  const [all] = await rig.postgres.sql<{ callbacks: number; more: number }>(
    `select count(*)::integer as callbacks, (count(*) filter (where callback is not null or service <> 'svc'))::integer as more
     from tasks where callback_of is not null and callback_of not in (select id from tasks where action = 'undone')`,
  )
  const sum = (which: (way: Way) => unknown): number =>
    [...made].reduce((all, [name, count]) => all + (which(WAYS[name] as Way) ? count : 0), 0)
  const kept = sum(({ code }) => code !== '')
  const cancelled = sum(({ verb }) => verb)
  const lonely = rows.filter(({ callbacks }) => callbacks !== 1)
  const wrong = rows.filter(({ way, code }) => (WAYS[way ?? '']?.code ?? null) !== code)
  const twice = undone.filter((undo) => undo.count !== 1)
  const shown = (of: readonly unknown[]): string => `${JSON.stringify(of.slice(0, 3))} (${of.length})`
  hold({
    [`${rows.length} tasks are left, of ${kept}`]: rows.length === kept,
    [`ends without one callback in their commit: ${shown(lonely)}`]: lonely.length === 0,
    [`ends of another kind: ${shown(wrong)}`]: wrong.length === 0,
    [`${all?.callbacks} callbacks, ${all?.more} of them with one of their own, of ${kept} ends`]:
      all?.callbacks === kept && all.more === 0,
    [`undone twice: ${shown(twice)}`]: twice.length === 0,
    [`${undone.length} were undone, of ${cancelled}`]: undone.length === cancelled,
  })
  return { ends: sum(() => true), ways: made.size, callbacks: rows.length, undone: undone.length }
}

export const endsRow: Row = {
  name: 'ends',
  fault: `kill -9 of nodes, also just before and after the write of an end, while tasks end in ${Object.keys(WAYS).length} ways: ${Object.keys(WAYS).join(', ')}`,
  count: 2_000,
  fullCount: 300,
  promise:
    'one callback for each end, in its commit, none for a deletion; one task that undoes each that was cancelled',
  run: (at) =>
    inRig(
      {
        seed: at.seed,
        scale: at.scale,
        services: (port, node) => ({
          ends: {
            ...serviceAt(port, node),
            concurrency: 1_000,
            maxSteps: 3,
            onCancel: 'undone',
            callback: { service: 'svc', action: 'called' },
          },
        }),
      },
      (rig) => endAll(rig, at),
      120_000,
    ),
}
