// The messages between the supervisor and its actors: commands go down, reports come up, as one array per tick.
import type { Attempt } from './attempts.ts'
import type { Failure } from './failures.ts'
import type { Services } from './service.ts'

/** Names one claim of a task: the fence. Only the actor of this claim gets a command, and only its row accepts a report. */
export interface Claim {
  readonly id: string
  readonly token: number
}

/** A claimed task as an actor needs it. */
export interface Assignment extends Claim {
  /** The task's UUID, for `Idempotency-Key`. */
  readonly key: string
  readonly service: string
  readonly action: string
  /** The payload of the next request: JSON text, to the byte. */
  readonly body: string
  readonly step: number
  readonly attempt: number
  readonly fails: number
  readonly repeats: number
  /** Milliseconds since the task was first due, by Postgres' clock, when it was claimed. */
  readonly age: number
  /** The age at which the task fails, ms; null: that of its service. */
  readonly deadline: number | null
  /** The step at which the task began. */
  readonly firstStep: number
  /** The id of the task that this one goes on with. */
  readonly retryOf: string | null
  /** Whether its next request is granted, where the service has a limit. */
  readonly granted: boolean
  /** The trace that it goes on with: see core/trace.ts; null: it begins one. */
  readonly trace: string | null
  /** The trust epoch in which the claim was sent: a request begins only in the epoch that its claim was confirmed in. */
  readonly epoch: number
}

/** `sends`: the trace that the next request sends, where this node makes spans of requests. */
export type Command =
  | { readonly kind: 'run'; readonly task: Assignment; readonly sends?: string | undefined }
  /** The checkpoint or retry is committed; the next request may begin, in this epoch. `attempt` is its number. */
  | ({
      readonly kind: 'go'
      readonly attempt: number
      readonly epoch: number
      readonly sends?: string | undefined
    } & Claim)
  /** The claim has been confirmed in this epoch. */
  | ({ readonly kind: 'confirm'; readonly epoch: number } & Claim)
  /** Stop: abort the request, report nothing more. */
  | ({ readonly kind: 'stop' } & Claim)
  /** From now on release every task whose request is not in flight. */
  | { readonly kind: 'drain' }
  /** The services that are known from now on. A thread that starts gets them before its first task. */
  | {
      readonly kind: 'services'
      readonly services: Services
      /** Which requests of each may begin: see core/admission.ts. */
      readonly memory: ReadonlyMap<string, SharedArrayBuffer>
    }
  | { readonly kind: 'ping' }

/** What an actor asks the supervisor to write. After `checkpoint` and `retry` the actor waits for `go`; the others are its last report. */
export type Report = Claim & Asked & (Checkpoint | Retry | Park | Settle | Release)

/** What a report says of the request before it; absent: none was sent. */
interface Asked {
  readonly service?: string
  /** See core/attempts.ts. */
  readonly outcome?: number
  /** How long the request took. */
  readonly ms?: number
}
/** A request was cut off, because its actor was stopped. */
export type Stopped = Claim & Required<Asked> & { readonly kind: 'stopped' }

export interface Checkpoint {
  /** What the log keeps of the try. */
  readonly tried?: Attempt | undefined
  readonly kind: 'checkpoint'
  /** The step that was answered. */
  readonly step: number
  /** Null: the payload stays as it is. */
  readonly state: string | null
  /** How many states are kept, this one among them. */
  readonly keep?: number | undefined
  readonly repeats: number
  /** Milliseconds to park for; null: goes on at once. */
  readonly wait: number | null
}
export interface Retry {
  /** What the log keeps of the try. */
  readonly tried?: Attempt | undefined
  readonly kind: 'retry'
  readonly step: number
  readonly attempt: number
  readonly failure: Failure
}
export interface Park {
  /** What the log keeps of the try. */
  readonly tried?: Attempt | undefined
  readonly kind: 'park'
  readonly step: number
  readonly attempt: number
  readonly wait: number
  readonly failure: Failure
  /** The try does not count: for want of something of this node's own, or as the service asked for rest. */
  readonly uncounted?: true
  /** The answer closes the gate of the service for `wait`. */
  readonly gates?: true
}
export interface Settle {
  /** What the log keeps of the try. */
  readonly tried?: Attempt | undefined
  readonly kind: 'settle'
  /** Answers 206 so far, the last one included; null: as the row says. */
  readonly step: number | null
  readonly attempt: number
  readonly status: 'complete' | 'failed'
  readonly result: string | null
  readonly omitted: boolean
  readonly failure: Failure | null
}
/** Releases the claim without a change, because the node drains. */
export interface Release {
  readonly kind: 'release'
}

/** The messages that come up from a thread. */
export type Upward = Report | Stopped | { readonly kind: 'ready' } | { readonly kind: 'pong' }

/** What a thread is started with. */
export interface ThreadStart {
  readonly port: import('node:worker_threads').MessagePort
  /** Two 64-bit integers, see core/trust.ts: until when requests may begin, and in which epoch. */
  readonly trust: SharedArrayBuffer
  /** For `User-Agent`. */
  readonly version: string
}
