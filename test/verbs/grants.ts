// Grants of a limited service, and their rule: never more of them open than the limit, and no fewer than it allows.
import { NO_TERMS } from '../../src/core/limit.ts'
import { grant } from '../../src/lifecycle/grant.ts'
import { learnRows, newToken } from './calls.ts'
import type { Heard } from './interleave.ts'
import { ended, type Task } from './model.ts'
import { type Op, type Rows, SERVICES, type SimNode, type World } from './world.ts'

/** Requests of the limited service that may be open at once. */
const LIMIT = 3
const [LIMITED] = SERVICES

/** Asks for so many grants. */
export function grantOf(world: World, by: SimNode, count: number): Op {
  const [token, node] = [newToken(world), by.id]
  const terms = { ...NO_TERMS, concurrency: LIMIT }
  return {
    asked: { verb: 'grant', service: LIMITED, count, token, node },
    by,
    run: async () => {
      const { rows } = await grant({ store: by.store, node, validUntil: 'infinity' }, token, LIMITED, { count }, terms)
      return { kind: 'claimed', rows }
    },
    learn: learnRows(world, by, node, token),
  }
}

/** Granted requests that are open, or may be: those of deleted tasks count too. */
const openIn = ({ tasks, cuts }: Rows): number =>
  cuts + [...tasks.values()].filter((task) => task.granted === true && task.node !== null && !ended(task)).length

const isWaiting = (task: Task): boolean => task.service === LIMITED && task.node === null && task.due && !ended(task)

/** What is wrong with the grants; undefined when nothing is. */
export function grantsAreTrue(before: Rows, now: Rows, { reports, sent }: Heard): string | undefined {
  const open = openIn(now)
  if (open > LIMIT) return `${open} requests are granted at once, and ${LIMIT} may be`
  const [[op, report] = []] = reports
  if (sent.length !== 1 || op?.asked.verb !== 'grant' || report?.kind !== 'claimed') return undefined
  const { node, count } = op.asked
  const waiting = [...before.tasks.values()].filter(isWaiting).length
  const most = before.leases.get(node) === 'held' ? Math.min(count, waiting, LIMIT - openIn(before)) : 0
  return report.rows.length === most ? undefined : `${report.rows.length} were granted, and it is ${most}`
}
