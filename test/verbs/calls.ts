// The calls that no actor makes: submits and cancellations, claims from the mark and from the start, revivals, chores and leases.
import { SERVICE_DEFAULTS } from '../../src/core/service.ts'
import { remove } from '../../src/lifecycle/remove.ts'
import { claim, revive } from '../../src/lifecycle/claim.ts'
import { expire } from '../../src/lifecycle/expire.ts'
import { submit } from '../../src/lifecycle/submit.ts'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import type { Report } from './report.ts'
import { type Claim, DEADLINE, LEASE, newNodeId, type Op, SERVICES, type SimNode, type World } from './world.ts'

/** What a test may set about the time and the wear of tasks, and about leases: as time and crashes would. */
const WORLD = {
  lapse: `update nodes set lease_until = now() - interval '1 second' where id = $1`,
  desert: `update nodes set lease_until = now() - interval '1 second'`,
  due: `update tasks set run_at = least(run_at, now() - interval '1 second') where status in ('pending', 'running')`,
  age: `update tasks set created_at = created_at - interval '2 hours',
          run_at = case when run_at <= now() then run_at - interval '2 hours' else run_at end`,
  forget: 'delete from cut_grants',
  wear: `update tasks set crashes = 9 where id = $1 and status in ('pending', 'running')`,
} as const

/** `direct`: as a task that its node claims at once. */
export function submitOf(world: World, by: SimNode, service: string, direct = false): Op {
  world.count += 1
  const payload = `{"n": ${world.count}}`
  const pushed: string[] = []
  const queue = { push: async (_service: string, id: string) => pushed.push(id) > 0 }
  const taker = direct ? { token: newToken(world), node: by.id } : undefined
  let taken = false
  const supervision = {
    reserve: () => taker && { claim: taker, finish: (row: unknown) => void (taken = row !== undefined) },
    pushed: () => {},
    pushFailed: () => {},
    due: () => {},
  }
  return {
    asked: { verb: 'submit', service, payload, ...(taker && { taker }) },
    by,
    run: async () => {
      const task = { service, action: 'ok', payload }
      const { id } = await submit({ store: by.store, queue, supervision }, task)
      return { kind: 'created', id, pushed, taken }
    },
    learn: (report) => {
      if (report.kind !== 'created' || !taker || !report.taken) return
      world.claims.push({ id: report.id, ...taker, by, step: 0, attempt: 1 })
    },
  }
}

export function cancelOf(by: SimNode, id: string): Op {
  return {
    asked: { verb: 'cancel', id },
    by,
    run: async () => {
      const notified: string[] = []
      const queue = { notify: (node: string) => void notified.push(node) }
      return { kind: 'cancelled', removed: await remove({ store: by.store, queue, services: new Map() }, id), notified }
    },
  }
}

export const newToken = (world: World): number => (world.count += 1)

/** Remembers what a claim brought; what has failed with it is nobody's. */
export const learnRows = (world: World, by: SimNode, node: string, token: number) => (report: Report) => {
  if (report.kind !== 'claimed') return
  for (const { id, step, attempt, failed } of report.rows)
    if (!failed) world.claims.push({ id, token, node, by, step, attempt })
}

const claiming = (rows: Promise<ClaimedRow[]>): Promise<Report> =>
  rows.then((found) => ({ kind: 'claimed', rows: found }))

/** A claim of some services; `from` the mark: what became due before the last `ms` is passed over. */
export function claimOf(
  world: World,
  by: SimNode,
  rooms: readonly [number, number],
  limit: number,
  takesOver: boolean,
  mark = 0,
): Op {
  const [token, node] = [newToken(world), by.id]
  const room = new Map(SERVICES.map((service, i) => [service, rooms[i] ?? 0] as const))
  const wanted = new Map([...room].map(([service, count]) => [service, { count, marks: [mark, mark, mark] }]))
  return {
    asked: { verb: mark > 0 ? 'claim' : 'pass', room, limit, token, node, takesOver },
    by,
    run: () => claiming(claim({ store: by.store, node, takesOver }, token, { wanted, limit, grace: 0 })),
    learn: learnRows(world, by, node, token),
  }
}

/** Takes up again what a dead thread ran. */
export function reviveOf(by: SimNode, claims: readonly (Claim & { readonly attempt: number })[]): Op {
  const orphans = claims.map(({ id, token, node, attempt }) => ({ id, token, node, attempt }))
  const [first] = claims
  return {
    asked: { verb: 'revive', orphans },
    by,
    ...(first && { claim: first }),
    run: () => claiming(revive(by, orphans)),
    learn: (report) => {
      if (report.kind !== 'claimed') return
      for (const { id, step, attempt } of report.rows)
        for (const claim of claims) if (claim.id === id) Object.assign(claim, { step, attempt })
    },
  }
}

const [TIMED, ENDLESS] = SERVICES
const CONFIGURED = new Map([
  [TIMED, { ...SERVICE_DEFAULTS, name: TIMED, url: '', deadline: DEADLINE }],
  [ENDLESS, { ...SERVICE_DEFAULTS, name: ENDLESS, url: '', deadline: 0 }],
])

export const expireOf = (by: SimNode): Op => ({
  asked: { verb: 'expire', services: new Set([TIMED]) },
  by,
  run: async () => ({ kind: 'expired', ids: (await expire(by, CONFIGURED)).expired.map(({ id }) => id) }),
})

export function beatOf(by: SimNode): Op {
  const node = by.id
  return {
    asked: { verb: 'beat', node },
    by,
    run: async () => ({ kind: 'beat', held: (await by.store.beat(node, LEASE))?.held }),
  }
}

/** A node that begins anew under an id of its own, as one does whose row is gone. What it claimed before it may still write. */
export function enrollOf(world: World, by: SimNode): Op {
  const node = newNodeId(world)
  return {
    asked: { verb: 'enroll', node },
    by,
    run: async () => {
      await by.store.enroll({ id: node, name: by.name, services: SERVICES }, LEASE)
      return { kind: 'done' }
    },
    learn: () => {
      by.id = node
    },
  }
}

/** Asks what the node holds; what nobody here knows of can then be given back. */
export function syncOf(world: World, by: SimNode): Op {
  const node = by.id
  return {
    asked: { verb: 'sync', node },
    by,
    run: async () => ({ kind: 'holds', held: await by.store.holdings(node) }),
    learn: (report) => {
      if (report.kind !== 'holds') return
      for (const { id, token } of report.held)
        if (!world.claims.some((claim) => claim.id === id && claim.token === token))
          world.claims.push({ id, token, node, by, step: undefined, attempt: 0 })
    },
  }
}

/** What time, crashes and the death of nodes do. */
export function worldOf(world: World, asked: Extract<Op['asked'], { verb: keyof typeof WORLD }>): Op {
  const values = 'node' in asked ? [asked.node] : 'id' in asked ? [asked.id] : []
  return {
    asked,
    run: async () => {
      await world.database.query(WORLD[asked.verb], values)
      return { kind: 'done' }
    },
  }
}

/** A statement arrives of which its sender thought the worst. */
export function arrivalOf(
  world: World,
  [first, ...others]: readonly Op[],
  text: string,
  values: readonly unknown[],
): Op[] {
  if (!first) return []
  return [
    {
      asked: first.asked,
      standsFor: [first, ...others],
      run: async () => {
        await world.database.query(text, values)
        return { kind: 'done' }
      },
    },
  ]
}
