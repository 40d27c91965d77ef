// A service that answers in every bad way, beside one that behaves: neither the node nor the other service may feel it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { memoryGrowth } from '../memory.ts'
import { MIX } from '../plan.ts'
import type { Rig } from '../rig.ts'
import { type At, type Figures, type Row, hold, inRig } from '../row.ts'
import { MODES } from '../villain.ts'

const RATE = 60
/** How long the other service is looked at before, ms. */
const BEFORE = 8_000
/** All hostile tasks have ended by then, ms. */
const ENDED = 120_000
const MOST_MEMORY = 100
/** A p99 below this is the noise of the machine, ms. */
const NOISE = 250

/** The time of 99 of 100 tasks of the good service from acknowledgement to the end, of those posted in a time, ms. */
async function p99(rig: Rig, from: number, to: number): Promise<number> {
  const [row] = await rig.postgres.sql<{ ms: number }>(
    `select coalesce(percentile_cont(0.99) within group (order by extract(epoch from finished_at - created_at) * 1000), 0)::double precision as ms
     from tasks where service = 'svc' and created_at between to_timestamp($1) and to_timestamp($2)`,
    [from / 1_000, to / 1_000],
  )
  return row?.ms ?? 0
}

/** Posts `count` tasks of each mode by turns. */
async function postAll(rig: Rig, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1)
    for (const mode of Object.keys(MODES)) {
      const url = rig.members[i % rig.members.length]?.url ?? ''
      const json = `{"service":"hostile","action":"${mode}","payload":{"hostile":true}}`
      const outcome = await rig.callers.call('POST', `${url}/tasks`, json)
      if (typeof outcome === 'string' || outcome.status !== 302)
        throw new Error(`a hostile task was not taken: ${JSON.stringify(outcome)}`)
    }
}

/** The modes that have tasks which have not ended, and how far those are. */
async function unended(rig: Rig): Promise<string[]> {
  const rows = await rig.postgres.sql<{ action: string; count: number; attempt: number; free: number }>(
    `select action, count(*)::integer as count, max(attempt) as attempt, count(*) filter (where node is null)::integer as free
     from tasks where service = 'hostile' and status in ('pending', 'running') group by 1`,
  )
  return rows.map(
    ({ action, count, attempt, free }) => `${count} of ${action} (${free} with no owner, try ${attempt} at most)`,
  )
}

/** Modes whose tasks did not end as the contract says. */
async function wrongEnds(rig: Rig): Promise<string[]> {
  const rows = await rig.postgres.sql<{ action: string; how: string; count: number }>(
    `select action, case status when 'failed' then error::json ->> 'code' else status end as how, count(*)::integer as count
     from tasks where service = 'hostile' group by 1, 2`,
  )
  return rows.flatMap(({ action, how, count }) =>
    [MODES[action]?.end].flat().includes(how) ? [] : [`${count} tasks of "${action}" ended as ${how}`],
  )
}

async function body(rig: Rig, at: At): Promise<Figures> {
  const load = rig.callers.load({ rate: RATE })
  await passed(2_000)
  const before = Date.now()
  await passed(BEFORE)
  const begun = Date.now()
  const most = await memoryGrowth(rig, async () => {
    await postAll(rig, at.count)
    const end = performance.now() + ENDED
    for (let left = await unended(rig); left.length > 0; left = await unended(rig)) {
      if (performance.now() > end) throw new Error(`hostile tasks have not ended: ${left.join('; ')}`)
      await passed(200)
    }
  })
  const over = Date.now()
  await load.stop()
  await rig.normal(30_000)
  const [was, is] = [await p99(rig, before, begun), await p99(rig, begun, over)]
  const wrong = await wrongEnds(rig)
  hold({
    [wrong.join('; ')]: wrong.length === 0,
    [`a node's memory grew by ${most} MB`]: most < MOST_MEMORY,
    [`the other service's p99 went from ${Math.round(was)} to ${Math.round(is)} ms`]: is < 2 * Math.max(was, NOISE / 2),
  })
  return {
    modes: Object.keys(MODES).length,
    'hostile tasks': at.count * Object.keys(MODES).length,
    'took, s': Math.round((over - begun) / 1_000),
    'memory, MB more': most,
    'p99 of the other service, ms': `${Math.round(was)} before, ${Math.round(is)} during`,
  }
}

export const hostileRow: Row = {
  name: 'hostile',
  fault: `a hostile service: ${Object.keys(MODES).join(', ')}`,
  count: 50,
  fullCount: 3,
  promise: 'each task ends as the contract says; memory + < 100 MB; p99 of another service < 2x',
  async run(at) {
    const villain = fork(new URL('../villain-process.js', import.meta.url))
    const [port] = (await once(villain, 'message')) as [number]
    const service = {
      url: `http://127.0.0.1:${port}/run/{action}`,
      timeout: '1s',
      concurrency: 40,
      maxSteps: 20,
    }
    const services = { hostile: { ...service, retry: { attempts: 2, backoff: '50ms', maxBackoff: '100ms' } } }
    try {
      return await inRig(
        { seed: at.seed, scale: at.scale, mix: { ...MIX, slow: 0, waiting: 0 }, services: () => services },
        (rig) => body(rig, at),
      )
    } finally {
      villain.kill('SIGKILL')
    }
  },
}
