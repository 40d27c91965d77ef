// The model: what each verb makes of one task, by the rules of docs/protocol.md. It is pure, and knows nothing of SQL.

/** A task as its row must show it. */
export interface Task {
  readonly id: string
  readonly service: string
  readonly payload: string
  readonly status: 'pending' | 'running' | 'complete' | 'failed'
  readonly node: string | null
  readonly token: number
  readonly step: number
  readonly repeats: number
  readonly attempt: number
  readonly fails: number
  readonly crashes: number
  readonly state: string | null
  readonly result: string | null
  /** The detail of a failed try, or the code of an end that the store writes by itself. */
  readonly error: string | null
  /** Not parked for later. */
  readonly due: boolean
  /** Past the deadline of a service that has one. */
  readonly old: boolean
  /** Whether a request is granted; false: it waits for its next turn; null: no limit has had a say. */
  readonly granted: boolean | null
  readonly started: boolean
}

/** The leases by node; a node without a row has none. */
export type Leases = ReadonlyMap<string, 'held' | 'out'>

interface Fenced {
  readonly id: string
  readonly token: number
  readonly node: string
}
interface Claiming {
  readonly token: number
  readonly node: string
  readonly takesOver: boolean
}

/** What is asked of the tasks by one call of a verb, or by the world around them. */
export type Asked =
  | {
      readonly verb: 'submit'
      readonly service: string
      readonly payload: string
      /** Who claims it at once, if its lease holds. */
      readonly taker?: { readonly token: number; readonly node: string }
    }
  | {
      /** By a POST: with a key, or none; with a `unique`, or none. Whether it makes a task is for the keys and uniques to say. */
      readonly verb: 'create'
      readonly service: string
      readonly payload: string
      readonly key: string | null
      readonly body: string
      readonly unique: string | null
    }
  | ({ readonly verb: 'pass' | 'claim'; readonly room: ReadonlyMap<string, number>; readonly limit: number } & Claiming)
  | ({ readonly verb: 'grant'; readonly service: string; readonly count: number } & Omit<Claiming, 'takesOver'>)
  | ({
      readonly verb: 'checkpoint'
      readonly step: number
      readonly state: string | null
      readonly repeats: number
      readonly wait: number | null
    } & Fenced)
  | ({ readonly verb: 'retry'; readonly attempt: number; readonly error: string } & Fenced)
  | ({ readonly verb: 'park'; readonly wait: number; readonly error: string } & Fenced)
  | ({ readonly verb: 'release' } & Fenced)
  | ({
      readonly verb: 'settle'
      readonly status: 'complete' | 'failed'
      readonly step: number | null
      readonly result: string | null
      readonly error: string | null
      readonly tried: boolean
    } & Fenced)
  | { readonly verb: 'revive'; readonly orphans: readonly (Fenced & { readonly attempt: number })[] }
  | { readonly verb: 'cancel'; readonly id: string }
  | { readonly verb: 'expire'; readonly services: ReadonlySet<string> }
  | { readonly verb: 'beat' | 'enroll' | 'sync'; readonly node: string }
  | { readonly verb: 'lapse'; readonly node: string }
  | { readonly verb: 'due' | 'age' | 'desert' | 'forget' }
  | { readonly verb: 'wear'; readonly id: string }

export type Verb = Asked['verb']

/** The verbs whose writes are fenced by a claim. */
export type FencedAsked = Extract<Asked, { readonly verb: 'checkpoint' | 'retry' | 'park' | 'release' | 'settle' }>

/** A task that is lost so often without progress has ended. */
export const MAX_CRASHES = 10

export const ended = ({ status }: Task): boolean => status === 'complete' || status === 'failed'

/** Mine: the guard of every write of a claim. */
export const mine = (task: Task | undefined, { id, token, node }: Fenced): task is Task =>
  task?.id === id && task.token === token && task.node === node && task.status === 'running'

/** What a verb turns a task into: `undefined` when it leaves it alone, `to: undefined` when the task is gone. */
export type Effect = { readonly to: Task | undefined } | undefined

/** The effect of a verb on one task; `id` names the task that a submit would create. */
export function effect(task: Task | undefined, asked: Asked, leases: Leases, id: string): Effect {
  if (asked.verb === 'submit' || asked.verb === 'create') return task ? undefined : { to: created(id, asked, leases) }
  if (!task) return undefined
  switch (asked.verb) {
    case 'cancel':
      return asked.id === task.id ? { to: undefined } : undefined
    case 'pass':
    case 'claim':
      return asked.room.has(task.service) ? claimed(task, asked, leases) : undefined
    case 'grant': {
      const claim = asked.service === task.service ? claimed(task, { ...asked, takesOver: false }, leases) : undefined
      return claim?.to && { to: { ...claim.to, granted: true } }
    }
    case 'revive':
      return revived(task, asked.orphans)
    case 'expire': {
      const over = task.old && task.node === null && !ended(task) && asked.services.has(task.service)
      return over ? { to: { ...task, status: 'failed', error: 'deadline_exceeded' } } : undefined
    }
    case 'checkpoint':
    case 'retry':
    case 'park':
    case 'release':
    case 'settle':
      return mine(task, asked) ? written(task, asked) : undefined
    case 'due':
      return ended(task) ? undefined : { to: { ...task, due: true } }
    case 'age':
      return { to: { ...task, old: true } }
    case 'wear':
      return asked.id === task.id && !ended(task) ? { to: { ...task, crashes: MAX_CRASHES - 1 } } : undefined
    default:
      return undefined
  }
}

const blank = {
  step: 0,
  repeats: 0,
  fails: 0,
  crashes: 0,
  state: null,
  result: null,
  error: null,
  due: true,
  old: false,
  granted: null,
}

/** Pending; or its taker's first try, where its lease holds. */
function created(id: string, asked: Extract<Asked, { readonly verb: 'submit' | 'create' }>, leases: Leases): Task {
  const { service, payload } = asked
  const taker = asked.verb === 'submit' ? asked.taker : undefined
  const task = { ...blank, id, service, payload }
  return taker && leases.get(taker.node) === 'held'
    ? { ...task, status: 'running', ...taker, attempt: 1, started: true }
    : { ...task, status: 'pending', node: null, token: 0, attempt: 0, started: false }
}

/** Not ended, and nobody owns it and it is due, or its owner's lease has run out; and my own lease is valid. */
function claimed(task: Task, by: Claiming, leases: Leases): Effect {
  if (ended(task) || leases.get(by.node) !== 'held') return undefined
  const lost = task.node !== null
  if (lost ? !by.takesOver || leases.get(task.node) !== 'out' : !task.due) return undefined
  const crashes = task.crashes + (lost ? 1 : 0)
  const next = { ...task, token: by.token, attempt: task.attempt + 1, crashes, started: true }
  return { to: lost && crashes >= MAX_CRASHES ? crashed(next) : { ...next, status: 'running', node: by.node } }
}

const crashed = (task: Task): Task => ({ ...task, status: 'failed', node: null, error: 'crashed' })

/** One crash more and the next try; where that is the try already, an earlier revival has been counted. */
function revived(task: Task, orphans: readonly (Fenced & { readonly attempt: number })[]): Effect {
  const own = orphans.find(
    (orphan) => mine(task, orphan) && [orphan.attempt, orphan.attempt + 1].includes(task.attempt),
  )
  if (!own) return undefined
  const crashes = task.crashes + (task.attempt === own.attempt ? 1 : 0)
  const next = { ...task, attempt: own.attempt + 1, crashes }
  return { to: crashes >= MAX_CRASHES ? crashed(next) : next }
}

/** A grant ends with its claim. */
const waits = (task: Task): Task => ({ ...task, node: null, granted: task.granted && false })

function written(task: Task, asked: FencedAsked): Effect {
  switch (asked.verb) {
    case 'checkpoint': {
      if (asked.step !== task.step) return undefined
      const { wait, repeats } = asked
      const next = { ...task, step: task.step + 1, state: asked.state ?? task.state, repeats, fails: 0, crashes: 0 }
      return { to: wait === null ? { ...next, attempt: 1 } : { ...waits(next), attempt: 0, due: wait === 0 } }
    }
    case 'retry':
      if (asked.attempt !== task.attempt) return undefined
      return { to: { ...task, attempt: task.attempt + 1, fails: task.fails + 1, error: asked.error } }
    case 'park':
      return { to: { ...waits(task), fails: task.fails + 1, due: asked.wait === 0, error: asked.error } }
    case 'release':
      return { to: { ...waits(task), due: true } }
    case 'settle': {
      const { status, result, tried } = asked
      const [step, error] = [asked.step ?? task.step, asked.error ?? task.error]
      return { to: { ...task, status, step, result, error, fails: task.fails + (tried ? 1 : 0), node: null } }
    }
  }
}

/** The leases after a verb. */
export function leasesAfter(leases: Leases, { verb, ...asked }: Asked): Leases {
  if (verb === 'desert') return new Map([...leases.keys()].map((node) => [node, 'out']))
  if (!('node' in asked)) return leases
  const { node } = asked
  const without = [...leases].filter(([one]) => one !== node)
  if (verb === 'enroll') return new Map([...without, [node, 'held']])
  if (!leases.has(node) || (verb !== 'beat' && verb !== 'lapse')) return leases
  return new Map([...without, [node, verb === 'beat' ? 'held' : 'out']])
}

/** Whether the row shows that such a write has been applied: what a sender may read back after an unknown outcome. */
export function shown(task: Task | undefined, asked: FencedAsked): boolean {
  if (task?.id !== asked.id || task.token !== asked.token) return false
  if (asked.verb === 'checkpoint') return task.step === asked.step + 1
  if (asked.verb === 'retry') return task.attempt === asked.attempt + 1
  return asked.verb === 'settle' && task.status === asked.status
}
