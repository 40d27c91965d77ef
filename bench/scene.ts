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
  return { count: Math.ceil(count * share), warm: Math.ceil(warm * share) }
}

/** The same with so many tasks, and as many fewer or more to warm up; undefined: as it is. */
export function sizeOf(size: Size, tasks: number | undefined): Size {
  return tasks === undefined ? size : { ...size, count: tasks, warm: Math.ceil((size.warm * tasks) / size.count) }
}

/** What a figure is to be. */
export interface Goal {
  readonly figure: string
  /** Default: task_api. */
  readonly of?: string
  /** The figure is a ratio to the same figure of this contender in the same round. `best`: of the best peer. Default: no ratio. */
  readonly against?: string
  readonly least?: number
  readonly most?: number
}

export interface Scene {
  /** What is done, in words. */
  readonly words: string
  /** What a size counts; default: tasks. */
  readonly unit?: 'tasks' | 'seconds'
  readonly contenders: readonly Contender[]
  readonly goals: readonly Goal[]
  readonly full: Size
  /** Absent: not part of a quick run. With it, who takes part. */
  readonly quick?: Size & { readonly peers: readonly PeerName[] }
  run(engines: Engines, contender: Contender, size: Size): Promise<Figures>
}
