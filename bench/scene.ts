// What a scene is: what is posted to whom, how much of it, and which figures are wanted.
import type { Engines } from './engines.ts'
import type { Contender } from './measure.ts'
import { type PeerName, SLOW } from './peers.ts'
import type { Figures } from './table.ts'

/** How much of a scene is done: tasks, and how many warm up before, so that code that is still being compiled is not measured. */
export interface Size {
  readonly count: number
  readonly warm: number
  /** The share of both that slow peers do; default: all. */
  readonly slow?: number
}

/** What of it a contender does. */
export function sizeFor({ peer }: Contender, { count, warm, slow = 1 }: Size): Size {
  const share = SLOW.includes(peer) ? slow : 1
  return { count: count * share, warm: warm * share }
}

/** What a figure is to be, as a ratio to the same figure of somebody else in the same round. `best`: of the best peer. */
export interface Goal {
  readonly figure: string
  /** Default: task_api. */
  readonly of?: string
  readonly against: string
  readonly least?: number
  readonly most?: number
}

export interface Scene {
  /** What is done, in words. */
  readonly words: string
  readonly contenders: readonly Contender[]
  readonly goals: readonly Goal[]
  readonly full: Size
  /** Absent: not part of a quick run. With it, who takes part. */
  readonly quick?: Size & { readonly peers: readonly PeerName[] }
  run(engines: Engines, contender: Contender, size: Size): Promise<Figures>
}
