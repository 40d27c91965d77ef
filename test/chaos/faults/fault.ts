// What a fault is, and how soon all must be as before when it is over.
import { setTimeout as passed } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { Rig } from '../rig.ts'

/** What faults are chosen by on the command line. */
export type Group =
  'kill' | 'points' | 'stop' | 'freeze' | 'redis' | 'pg' | 'replies' | 'links' | 'hostile' | 'threads' | 'load'

/** A fault: it strikes a running rig, and is over when `strike` returns. */
export interface Fault {
  readonly name: string
  readonly group: Group
  /** All tasks that exist when it is over have ended so many ms later. */
  readonly normal: number
  strike(rig: Rig, random: Random): Promise<void>
}

/** A task's own pieces of work and waits, ms: the promises count from the fault to the request, `Rig.normal` to the end. */
const WORK = 3_000

/** What docs/protocol.md promises, ms. */
export const NORMAL = { node: 12_000 + WORK, redis: 5_000 + WORK, postgres: 8_000 + WORK }

/** Waits for what is `ms` in life, at the scale of the run: what lasts longer than a lease does so at every scale. */
export const long = (rig: Rig, ms: number): Promise<void> => passed(ms / rig.setup.scale)
