// POSTs with keys that are repeated at once and again, through several nodes that are killed and lose replies; and the callbacks of
// tasks that end meanwhile.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { NORMAL } from '../faults/fault.ts'
import { kill } from '../faults/nodes.ts'
import { loseReply } from '../faults/replies.ts'
import type { Rig } from '../rig.ts'
import { type At, Breach, type Figures, type Row, hold, inRig } from '../row.ts'

/** So many callers at once. */
const WIDTH = 16
/** A caller gives up on a key after so long, ms. */
const PATIENCE = 60_000
/** Between two faults, ms. */
const PAUSE = { least: 200, most: 1_500 }

interface Told {
  readonly status: number
  readonly location: string
  /** Whether it is marked as a repeat. */
  readonly replayed: boolean
}

/** One POST; undefined where nobody knows what became of it. */
async function post(url: string, key: string, body: string): Promise<Told | undefined> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  const signal = AbortSignal.timeout(20_000)
  const response = await fetch(`${url}/tasks`, { method: 'POST', headers, body, redirect: 'manual', signal }).catch(
    () => undefined,
  )
  await response?.body?.cancel().catch(() => undefined)
  if (!response) return undefined
  const { status, headers: got } = response
  return { status, location: got.get('location') ?? '', replayed: got.get('idempotency-replayed') === 'true' }
}

/** Posts a task by its key, twice at once through two nodes, until it has been answered; then once more through a third. */
async function once(rig: Rig, key: string): Promise<string> {
  const urls = rig.random.shuffle(rig.members.map(({ url }) => url))
  const body = JSON.stringify({
    service: 'svc',
    action: `keyed.${rig.random.chance(0.5) ? 'ok' : 'fail'}`,
    payload: { key },
    callback: { service: 'svc', action: 'called' },
  })
  const found = new Set<string>()
  let firsts = 0
  const end = performance.now() + PATIENCE
  for (let answered = 0; answered < 3;) {
    if (performance.now() > end) throw new Breach([`the key ${key} was not answered in ${PATIENCE} ms`])
    const told = await Promise.all(urls.slice(0, 2).map((url) => post(url, key, body)))
    for (const one of told) {
      if (one?.status === 302) {
        found.add(one.location)
        if (!one.replayed) firsts += 1
        answered += 1
      } else if (one && ![409, 503].includes(one.status))
        throw new Breach([`the key ${key} was answered ${one.status}`])
    }
    if (answered === 0) await passed(100)
    urls.push(urls.shift() ?? '')
  }
  if (found.size !== 1) throw new Breach([`the key ${key} was answered with ${[...found].join(' and ')}`])
  // The answer of the first may have been lost on its way.
  if (firsts > 1) throw new Breach([`${firsts} were told that they are the first of the key ${key}`])
  return [...found][0] ?? ''
}

async function postAll(rig: Rig, { count, log }: At): Promise<Figures> {
  rig.referee.answer('keyed', (request, response) => {
    const fails = String(request.headers['task-action']).endsWith('fail')
    response.writeHead(fails ? 500 : 200).end('{}')
  })
  rig.referee.answer('called', (_request, response) => void response.writeHead(200).end('{}'))
  const locations = new Map<string, string>()
  const random = rig.random.fork('faults')
  let [left, kills, losses] = [count, 0, 0]
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const key = randomUUID()
      locations.set(key, await once(rig, key))
    }
  }
  const lanes = Promise.all(Array.from({ length: WIDTH }, lane))
  let over = false
  const striking = (async () => {
    while (!over) {
      const member = random.pick(rig.members)
      if (random.chance(0.5)) {
        await kill.strike(rig, random)
        kills += 1
      } else if ((await loseReply(member, random.chance(0.5) ? 'create' : 'settle', 2_000)) !== undefined) losses += 1
      await passed(random.within(PAUSE.least, PAUSE.most))
    }
  })()
  await lanes.finally(() => (over = true))
  await striking
  log(`${locations.size} keys, ${kills} kills, ${losses} replies lost`)
  await rig.normal(NORMAL.node)
  // The callbacks of the last ones.
  await rig.normal(NORMAL.node)
  const rows = await rig.postgres.sql<{ id: string; key: string; status: string; callbacks: string }>(
    `select t.id, t.payload ->> 'key' as key, t.status, coalesce(c.count, 0)::text as callbacks
     from tasks t left join (select callback_of as id, count(*) from tasks where callback_of is not null group by 1) c on c.id = t.id
     where t.action like 'keyed.%'`,
  )
  const wrong = rows.filter(({ id, key }) => locations.get(key) !== `/tasks/${id}`)
  const lonely = rows.filter(({ callbacks }) => callbacks !== '1')
  hold({
    [`${rows.length} tasks of ${locations.size} keys`]: rows.length === locations.size,
    [`tasks that no caller was told of: ${wrong
      .slice(0, 3)
      .map(({ id }) => id)
      .join()} (${wrong.length})`]: wrong.length === 0,
    [`ends without one callback: ${lonely
      .slice(0, 3)
      .map(({ id, callbacks }) => `${id} has ${callbacks}`)
      .join()} (${lonely.length})`]: lonely.length === 0,
  })
  const failed = rows.filter(({ status }) => status === 'failed').length
  return {
    keys: locations.size,
    kills,
    'replies lost': losses,
    complete: rows.length - failed,
    failed,
    callbacks: rows.length,
  }
}

export const keysRow: Row = {
  name: 'keys',
  fault:
    'POSTs with an Idempotency-Key, each repeated at once and again on several nodes, which are killed and lose replies; each task has a callback',
  count: 10_000,
  fullCount: 500,
  promise:
    'one task for each key, the same location for each caller, at most one of them told that it is the first, and one callback for each end',
  run: (at) => inRig({ seed: at.seed, scale: at.scale }, (rig) => postAll(rig, at), 120_000),
}
