// What the OpenAPI document says of a route beside the table of routes: one `Operation` a route.
import type { Schema } from '../core/json-schema.ts'
import type { RefusalCode } from '../core/refusal.ts'
import type { AnswerHeader, RequestHeader } from './headers.ts'
import type { SchemaName } from './schemas.ts'

/** The groups, in the order of the document. */
export const TAGS = {
  Tasks: 'Create, show and list tasks.',
  'Changes of tasks': 'Cancel, retry, put off and delete tasks: one, or all that match filters.',
  Schedules: 'Tasks that are made again and again.',
  Services: 'What holds for a service on all nodes, and how its tasks are doing.',
  Node: 'The node that is asked.',
} as const

/** A request and its answer, which a test sends to a real node. */
export interface Example {
  readonly summary: string
  /** The value of the parameter in the path. */
  readonly path?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Partial<Record<RequestHeader, string>>
  readonly body?: unknown
  readonly status: number
  /** The body of the answer. Absent: it has none, or one that is too long to show. */
  readonly answer?: unknown
}

/** An answer that is no refusal. */
export interface Answer {
  readonly meaning: string
  /** A component, an array of one, or a schema. Absent: there is no body. */
  readonly body?: SchemaName | readonly [SchemaName] | Schema
  /** The media type; by default JSON. */
  readonly type?: string
  readonly headers?: readonly AnswerHeader[]
}

export interface Operation {
  /** The name of the function in generated clients. */
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly description: string
  readonly headers?: readonly RequestHeader[]
  readonly body?: SchemaName
  readonly answers: Readonly<Record<number, Answer>>
  /** Beside those that come with a body, with parameters, with a name in the path, and with every request. */
  readonly refusals: readonly RefusalCode[]
  readonly examples: Readonly<Record<string, Example>>
}

/** By method and path, as the table of routes writes them. */
export type Operations = Readonly<Record<string, Operation>>

/** The refusals of what reads Postgres. */
export const READS = ['unavailable'] as const satisfies readonly RefusalCode[]
/** The refusals of what also writes. */
export const WRITES = [...READS, 'outcome_unknown'] as const satisfies readonly RefusalCode[]
/** The refusals of what an `Idempotency-Key` can guard. */
export const KEYED = [
  ...WRITES,
  'invalid_idempotency_key',
  'idempotency_in_progress',
  'idempotency_mismatch',
] as const satisfies readonly RefusalCode[]

/** The answers with one task that a POST has created or found. */
export const CREATED = {
  200: {
    meaning: 'With `Prefer: return=representation`: the task had been there.',
    body: 'Task',
    headers: ['Location', 'Task-Existing', 'Idempotency-Replayed', 'Preference-Applied'],
  },
  201: {
    meaning: 'With `Prefer: return=representation`: the task was created.',
    body: 'Task',
    headers: ['Location', 'Idempotency-Replayed', 'Preference-Applied'],
  },
  302: {
    meaning: '`Location` is the task, which was created or had been there.',
    body: 'Task',
    headers: ['Location', 'Task-Existing', 'Idempotency-Replayed', 'Preference-Applied'],
  },
} as const satisfies Operation['answers']
