// Commits whose reply is lost: the statement was applied, and its sender does not know.
import { setTimeout as passed } from 'node:timers/promises'
import { NORMAL } from '../faults/fault.ts'
import { LOSABLE, loseReply } from '../faults/replies.ts'
import type { Member } from '../member.ts'
import { MIX } from '../plan.ts'
import type { Statement } from '../points.ts'
import type { Random } from '../random.ts'
import type { Rig } from '../rig.ts'
import { type At, Breach, type Row, hold, inRig, paced } from '../row.ts'

/** A statement of each kind that changes a row comes within this time, ms. */
const COMES = 30_000
const RATE = 200
const PAUSE = 100

/** Refusals are many, and what follows them is a retry or a park, by chance. Nothing else leaves a claim by itself. */
const MANY_REFUSALS = {
  mix: { ...MIX, flaky: 0.4, waiting: 0 },
  service: { retry: { attempts: 0, backoff: '1500ms', maxBackoff: '1500ms' } },
}

/** Replies and rows that were lost, by kind. */
type Lost = Map<Statement, { replies: number; rows: number }>

/** One node loses replies, one after the other. */
async function lose(member: Member, kinds: readonly Statement[], random: Random, lost: Lost): Promise<void> {
  for (const kind of kinds) {
    const rows = await loseReply(member, kind, COMES)
    if (rows === undefined) throw new Breach([`${member.name} sent no ${kind} in time`])
    const before = lost.get(kind) ?? { replies: 0, rows: 0 }
    lost.set(kind, { replies: before.replies + 1, rows: before.rows + rows })
    await passed(random.within(0, PAUSE))
  }
}

/**
 * Claims that a node let go because a write of them had no effect. With nobody else after them, each such write had been applied by a
 * statement whose reply was lost, and was to be read back. A park needs no such look: the claim is over either way.
 */
const letGo = (rig: Rig): string[] =>
  rig.members
    .flatMap(({ name, lives }) => lives.flatMap(({ lines }) => lines.map((line) => ({ name, line }))))
    .filter(({ line }) => line.msg === 'the claim is not ours any more' && line.report !== 'park')
    .map(({ name, line }) => `${name}: ${JSON.stringify(line)}`)

async function loseAll(rig: Rig, { count, log }: At): Promise<Lost> {
  const lost: Lost = new Map()
  const kinds = rig.random.fork('replies').shuffle(LOSABLE.flatMap((kind) => Array<Statement>(count).fill(kind)))
  const lanes = rig.members.map((member, lane) => {
    const own = kinds.filter((_, i) => i % rig.members.length === lane)
    return lose(member, own, rig.random.fork(`replies ${member.name}`), lost)
  })
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason
  for (const [kind, { replies, rows }] of lost) log(`${kind}: ${replies} replies lost, ${rows} rows`)
  return lost
}

export const repliesRow: Row = {
  name: 'replies',
  fault: `the reply of a commit is lost: ${LOSABLE.join(', ')}`,
  count: 50,
  fullCount: 5,
  promise: 'none stuck, none doubled, each outcome read back, no repeated request',
  run: (at) =>
    inRig({ seed: at.seed, scale: at.scale, ...MANY_REFUSALS }, async (rig) => {
      const load = rig.callers.load({ rate: paced(RATE, at) })
      // No span: nothing excuses a repeat.
      const lost = await loseAll(rig, at)
      await load.stop()
      const normal = await rig.normal(NORMAL.node)
      const unknown = [...rig.ledger.entries.values()].filter((entry) => entry.unknown > 0)
      const claims = letGo(rig)
      hold({
        [`${unknown.length} callers were not told what the rows could have said`]: unknown.length === 0,
        [`claims were let go of: ${claims.slice(0, 5).join('; ')} (${claims.length})`]: claims.length === 0,
        [`calls failed: ${rig.ledger.broken.slice(0, 5).join('; ')}`]: rig.ledger.broken.length === 0,
      })
      return {
        ...Object.fromEntries([...lost].map(([kind, { replies, rows }]) => [kind, `${replies} (${rows} rows)`])),
        'normal after, ms': Math.round(normal),
      }
    }),
}
