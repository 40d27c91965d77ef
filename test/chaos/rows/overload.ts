// Ten times more tasks than can be done, on top of a backlog whose ids are lost: nothing may grow in a node, and the oldest may not starve.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { memoryGrowth } from '../memory.ts'
import { MIX, payloadOf } from '../plan.ts'
import type { Rig } from '../rig.ts'
import { type At, type Figures, type Row, hold, inRig } from '../row.ts'

/** Tasks of one request. */
const QUICK = { ...MIX, maxSteps: 0, maxPace: 0, failing: 0, flaky: 0, waiting: 0, large: 0, slow: 0 }
/** A request takes so long, ms. */
const TAKES = 1_000
const NODES = 3
const TIMES_TOO_MUCH = 10

/** How much of it there is: the counted run lasts a minute. */
interface Size {
  /** Requests that a node sends at once. */
  readonly concurrency: number
  /** Tasks that all nodes together can do in a second. */
  readonly capacity: number
  /** How long the load lasts, ms. */
  readonly lasts: number
}

const sized = (concurrency: number, lasts: number): Size => ({
  concurrency,
  capacity: NODES * concurrency * (1_000 / TAKES),
  lasts,
})
const COUNTED = 200_000
const sizeOf = (count: number): Size => (count >= COUNTED ? sized(40, 60_000) : sized(10, 20_000))

/** For this share of the time a node's memory may still grow into the load. */
const WARM = 0.25
const MOST_GROWTH = 60
/** A tenth of the slots that come free is for what has waited long: so much of it must show in the time of the overload. */
const SHARE = 0.1
const AT_ONCE = 5_000
/** All must have ended so long after the load is over and requests take no time any more, ms. */
const DRAINED = 300_000

/** Puts rows into Postgres whose ids are in no list, as if each push had been lost; the numbers of their tasks, the oldest first. */
async function loseIds(rig: Rig, count: number): Promise<number[]> {
  const tasks = Array.from({ length: count }, () => rig.callers.number())
  for (let i = 0; i < count; i += AT_ONCE) {
    const some = tasks.slice(i, i + AT_ONCE)
    const payloads = some.map((task) => payloadOf(task, rig.plan(task)))
    const rows = await rig.postgres.sql<{ id: string; task: number }>(
      `insert into tasks (key, service, action, payload, payload_bytes)
       select key, 'svc', 'plan', payload, octet_length(payload::text) from unnest($1::uuid[], $2::json[]) as w(key, payload)
       returning id, (payload ->> 'task')::integer as task`,
      [some.map(() => randomUUID()), payloads],
    )
    for (const { id, task } of rows) Object.assign(rig.ledger.entry(task), { location: `/tasks/${id}`, at: Date.now() })
  }
  return tasks
}

/** Empties Redis: what was in the lists is lost as well. */
async function flush(rig: Rig): Promise<void> {
  const client = new Redis(rig.redis.url)
  await client.flushall()
  client.disconnect()
}

async function drained(rig: Rig, at: At): Promise<number> {
  const begun = performance.now()
  for (let left = await rig.unended(); left > 0; left = await rig.unended()) {
    if (performance.now() - begun > DRAINED) throw new Error(`${left} tasks have not ended`)
    at.log(`${left} tasks are left`)
    await passed(5_000)
  }
  return performance.now() - begun
}

async function body(rig: Rig, at: At, { capacity, lasts }: Size): Promise<Figures> {
  const posts = (capacity * TIMES_TOO_MUCH * lasts) / 1_000
  const lost = await loseIds(rig, at.count - posts)
  rig.referee.delay = TAKES
  const load = rig.callers.load({ rate: capacity * TIMES_TOO_MUCH, count: posts })
  const begun = performance.now()
  const until = (ms: number): Promise<void> => passed(ms - (performance.now() - begun))
  await until(lasts * WARM)
  const asked = rig.referee.asked.length
  const grown = await memoryGrowth(rig, async () => {
    await until(lasts / 2)
    await flush(rig)
    await until(lasts)
  })
  const done = (rig.referee.asked.length - asked) / ((lasts * (1 - WARM)) / 1_000)
  // They are in nobody's list; if pops alone were served none of them would have been begun.
  const least = Math.floor(((SHARE * capacity * lasts) / 1_000) * 0.5)
  const starved = lost.slice(0, least).filter((task) => rig.referee.of(task).length === 0).length
  rig.referee.delay = 0
  await load.ended
  const late = Math.max(0, performance.now() - begun - lasts) / 1_000
  const after = await drained(rig, at)
  hold({
    [`a node's memory grew by ${grown} MB under the load`]: grown < MOST_GROWTH,
    [`${starved} of the ${least} oldest tasks were not begun in ${Math.round(lasts / 1_000)} s`]: starved === 0,
    [`the nodes did ${Math.round(done)} tasks a second, not ${capacity}`]: done > capacity * 0.7,
    [`posts were ${late.toFixed(1)} s late`]: late < 5,
  })
  return {
    'tasks a second, possible': capacity,
    posted: posts,
    'posted a second': Math.round(posts / (lasts / 1_000 + late)),
    'done a second': Math.round(done),
    'ids lost': lost.length,
    'oldest tasks begun': least,
    'memory, MB more': grown,
    'backlog gone after, s': Math.round(after / 1_000),
  }
}

export const overloadRow: Row = {
  name: 'overload',
  fault: `${TIMES_TOO_MUCH} times the capacity for 60 s on top of a backlog of lost ids, and FLUSHALL in the middle of it`,
  count: COUNTED,
  fullCount: 8_000,
  alone: true,
  promise: 'memory flat; the oldest tasks are begun; every task ends',
  // The protocol's own times: what is due for long is part of it.
  scale: 1,
  run: (at) => {
    const size = sizeOf(at.count)
    const setup = {
      seed: at.seed,
      scale: at.scale,
      mix: QUICK,
      nodes: NODES,
      service: { concurrency: size.concurrency },
    }
    return inRig(setup, (rig) => body(rig, at, size))
  },
}
