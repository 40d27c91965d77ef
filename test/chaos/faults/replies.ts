// Commits whose reply is lost: the statement was applied, and its sender does not know.
import { setTimeout as passed } from 'node:timers/promises'
import type { Member } from '../member.ts'
import { STATEMENTS, type Statement } from '../points.ts'
import { type Fault, NORMAL } from './fault.ts'

export const LOSABLE: readonly Statement[] = ['insert', 'claim', 'checkpoint', 'settle', 'retry', 'park']

/** Loses the reply to the next statement of a kind that changes a row; how many it changed, undefined when none came within `ms`. */
export async function loseReply({ links }: Member, kind: Statement, ms: number): Promise<number | undefined> {
  const rows = await Promise.race([links.postgres.loseReply(STATEMENTS[kind]), passed(ms, undefined, { ref: false })])
  if (rows === undefined) links.postgres.keepReplies()
  return rows
}

/** Another fault may keep a node from sending one. */
const COMES = 5_000

const replyLost = (kind: Statement): Fault => ({
  name: `reply lost: ${kind}`,
  group: 'replies',
  normal: NORMAL.postgres,
  // No span: it excuses nothing.
  strike: (rig, random) => rig.withMember(random, async (member) => void (await loseReply(member, kind, COMES))),
})

export const REPLY_FAULTS: readonly Fault[] = LOSABLE.map(replyLost)
