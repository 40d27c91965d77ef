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
  /** Whether that time is one of leases, which a run may shorten. */
  readonly scales?: boolean
  strike(rig: Rig, random: Random): Promise<void>
}

/** A task's own pieces of work and waits, ms: the promises count from the fault to the request, `Rig.normal` to the end. */
const WORK = 3_000

/** What is promised, ms: the take-over by docs/protocol.md, the others by docs/results/reliability.md. */
export const NORMAL = { node: 12_000 + WORK, redis: 5_000 + WORK, postgres: 8_000 + WORK }

/** How soon all must be as before after a fault by itself, ms. */
export const within = ({ normal, scales = false }: Fault, scale: number): number =>
  scales ? (normal - WORK) / scale + WORK : normal

/** Waits for what is `ms` in life, at the scale of the run: what lasts longer than a lease does so at every scale. */
export const long = (rig: Rig, ms: number): Promise<void> => passed(ms / rig.setup.scale)
