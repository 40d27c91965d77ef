// What a task is: its statuses, the moves between them, its id and its location.

/** One row a status: what it means, and which statuses may follow it. `docs/states.md` is printed from this table. */
export const STATUSES = {
  pending: { meaning: 'The task has been created, but has not been executed yet.', next: ['running', 'failed'] },
  running: { meaning: 'The task is currently running, or waits to repeat a request.', next: ['complete', 'failed'] },
  complete: { meaning: 'The task has completed successfully.', next: [] },
  failed: { meaning: 'The task has failed.', next: [] },
} as const satisfies Record<string, { meaning: string; next: readonly string[] }>

export type Status = keyof typeof STATUSES

/** The statuses that another one may follow. */
export const NOT_ENDED = (Object.keys(STATUSES) as Status[]).filter((status) => STATUSES[status].next.length > 0)

/** Whether a string names a status. */
export const isStatus = (text: string): text is Status => Object.hasOwn(STATUSES, text)

/** The levels of importance, as callers name them and as rows have them. */
export const LEVELS = { high: 0, normal: 1, low: 2 } as const

export type Level = keyof typeof LEVELS

/** The task that is created when another one has ended. */
export interface Callback {
  readonly service: string
  readonly action: string
  /** Which ends it is created for; absent: every end. */
  readonly on?: CallbackOn
}

/** The ends that a service can ask to be told of: every end, or only failures. */
export const CALLBACK_ON = ['end', 'failed'] as const
export type CallbackOn = (typeof CALLBACK_ON)[number]

/** What a task may ask for beside its payload. Absent: not asked for. Durations are milliseconds. */
export interface TaskOptions {
  /** Not due before so long from now. */
  readonly delay?: number
  /** Not due before this time, milliseconds since 1970. */
  readonly runAt?: number
  readonly priority?: Level
  /** In place of the deadline of the service; over 0. */
  readonly deadline?: number
  readonly labels?: Readonly<Record<string, string>>
  /** While a task of the service with the same text has not ended, no second one is created. */
  readonly unique?: string
  readonly callback?: Callback
}

/** A task as a caller submits it. The payload is JSON text, kept to the byte. */
export interface NewTask {
  readonly service: string
  readonly action: string
  readonly payload: string
  /** Absent: a plain task. */
  readonly options?: TaskOptions
  /** The schedule that it is made for, if any. */
  readonly schedule?: string
  /** The trace that it goes on with: see core/trace.ts; absent: it begins one. */
  readonly trace?: string
}

/** What makes two POSTs the same: who asks whom, the caller's key, and the bytes of the body. */
export interface RequestKey {
  readonly scope: string
  readonly key: string
  /** SHA-256. */
  readonly hash: Buffer
}

/** What a POST has created, or found. */
export interface Created {
  readonly tasks: readonly CreatedTask[]
  /** Whether an earlier POST with the same key has created them. */
  readonly replayed: boolean
}
export interface CreatedTask extends Submitted {
  readonly status: Status
  /** Whether it had been there, found by `unique`. */
  readonly existing: boolean
  /** The members that could not be decrypted; absent: none. */
  readonly cannotDecrypt?: readonly string[]
}

/** A task as it was stored. Ids are Postgres bigints and travel as decimal strings. */
export interface Submitted extends NewTask {
  readonly id: string
  /** Its UUID, where it was created just now. */
  readonly key?: string | undefined
}

/** The form of an id; those beyond bigint have it, too. */
export const ID = /^[1-9][0-9]{0,18}$/
const MAX_ID = 9223372036854775807n

/** Whether a string can be the id of a task: a positive bigint in plain decimal digits. */
export const isTaskId = (text: string): boolean => ID.test(text) && (text.length < 19 || BigInt(text) <= MAX_ID)

/** The path of a task, without a host: what `Location` and `Task-Location` say. */
export const locationOf = (id: string): string => `/tasks/${id}`
