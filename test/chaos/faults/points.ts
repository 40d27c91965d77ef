// Nodes that die at a named point on the way of a task.
import type { Member } from '../member.ts'
import { POINTS, type Point } from '../points.ts'
import type { Rig } from '../rig.ts'
import { Breach } from '../row.ts'
import { type Fault, NORMAL } from './fault.ts'

/** A life reaches its point within this time, ms, where nothing else is wrong. */
export const REACHED = 30_000
/** How often a life may pass its point before it dies there. */
export const MOST_PASSES = 5

/** Marks a death: only what this very node had in flight may be sent again. */
export const dead = (rig: Rig, { name }: Member, how: string): Promise<void> =>
  rig.span({ name: `${name} dies ${how}`, of: name }, () => Promise.resolve())

/** A node that lives again only to die at this point. Another fault may keep it from getting there. */
const dieAt = (point: Point): Fault => ({
  name: `kill -9 ${point}`,
  group: 'points',
  normal: NORMAL.node,
  strike: (rig, random) =>
    rig.withMember(random, async (member) => {
      await member.end('SIGKILL')
      await dead(rig, member, 'by a signal')
      const how = await member.startToDie(point, random.within(1, MOST_PASSES), REACHED)
      if (how === undefined) await member.end('SIGKILL')
      else if (how !== 'SIGKILL') throw new Breach([`${member.name} ended with ${how} on its way to "${point}"`])
      await dead(rig, member, point)
      await member.start()
    }),
})

export const POINT_FAULTS: readonly Fault[] = POINTS.map(dieAt)
