// The fields of events, one row a field: a name means the same in every event. `docs/operations.md` prints this table.

/** The types that a field can have. */
interface Kinds {
  readonly text: string
  readonly texts: readonly string[]
  readonly number: number
  readonly numberOrNull: number | null
  /** Anything that was thrown. */
  readonly error: unknown
}

interface Field {
  readonly kind: keyof Kinds
  readonly meaning: string
}

export const FIELDS = {
  task: { kind: 'text', meaning: 'The id of the task.' },
  service: { kind: 'text', meaning: 'The service of the task.' },
  action: { kind: 'text', meaning: 'The action of the task.' },
  by: { kind: 'text', meaning: 'Who did so.' },
  who: { kind: 'text', meaning: 'The name of the key; `-` where there is none.' },
  what: { kind: 'text', meaning: 'The change, such as `services.pause`; of a refused key, the method of the request.' },
  target: {
    kind: 'text',
    meaning: 'The name in the path; of a change of many tasks its query; of a refused key the path; else `-`.',
  },
  from: {
    kind: 'text',
    meaning: 'The address at the other end of the connection: of the proxy, where there is one.',
  },
  count: { kind: 'number', meaning: 'How many tasks were changed; of refused keys, how many requests.' },
  outcome: {
    kind: 'text',
    meaning: '`ok`, or the code of the error. After `outcome_unknown` and `internal` the change may have been made.',
  },
  step: { kind: 'numberOrNull', meaning: 'The answers 206 so far; null where they are not known.' },
  attempt: { kind: 'number', meaning: 'The try of the step; 1 is the first.' },
  why: { kind: 'text', meaning: 'The reason: for a failed task its error code, otherwise a text.' },
  status: { kind: 'number', meaning: 'The status of the last answer of the service, where there was one.' },
  wait: { kind: 'number', meaning: 'The time until the next try, in ms.' },
  crashes: { kind: 'number', meaning: 'How often the task lost its node or its thread since its last progress.' },
  report: { kind: 'text', meaning: 'What was to be written: `checkpoint`, `retry`, `park`, `settle` or `release`.' },
  tasks: { kind: 'number', meaning: 'How many tasks are concerned.' },
  schedule: { kind: 'text', meaning: 'The name of the schedule.' },
  tries: { kind: 'number', meaning: 'How many requests could not begin since the last line of this event.' },
  err: { kind: 'error', meaning: 'The error, with its stack.' },
  url: { kind: 'text', meaning: 'The address of the API.' },
  postgres: { kind: 'text', meaning: 'Host and port of Postgres, or the folder of the embedded Postgres.' },
  queue: { kind: 'text', meaning: 'Host and port of Redis, or `in this process`.' },
  services: { kind: 'text', meaning: 'The services file, or `demo`.' },
  added: { kind: 'texts', meaning: 'The services, or the keys, that are new.' },
  changed: { kind: 'texts', meaning: 'The services, or the keys, that have another configuration.' },
  removed: { kind: 'texts', meaning: 'The services, or the keys, that are gone.' },
  faults: { kind: 'texts', meaning: 'Each fault: its place, what was expected, and what was found.' },
  host: { kind: 'text', meaning: 'The setting `HOST`.' },
  variable: { kind: 'text', meaning: 'The name of the environment variable.' },
  meant: { kind: 'text', meaning: 'The setting that was probably meant.' },
  limit: { kind: 'number', meaning: 'How many files the node may open.' },
  needed: { kind: 'number', meaning: 'How many files the node may need to open.' },
  signal: { kind: 'text', meaning: 'The signal that was received or sent.' },
  timeout: { kind: 'number', meaning: 'The setting `DRAIN_TIMEOUT`, in ms.' },
  dropped: { kind: 'number', meaning: 'How many lines are missing.' },
  part: { kind: 'text', meaning: 'The name of what failed.' },
  reason: { kind: 'text', meaning: 'What Redis, or the connection to Redis, said.' },
  reasons: { kind: 'texts', meaning: 'Each refused command, with what Redis said.' },
  connection: { kind: 'text', meaning: 'Which connection to Redis: `pop` or `cancels`.' },
  key: { kind: 'text', meaning: 'The key in Redis.' },
  keys: { kind: 'texts', meaning: 'The ids of the keys of `ENCRYPTION_KEYS`.' },
  method: { kind: 'text', meaning: 'The method of the request to the API.' },
  path: { kind: 'text', meaning: 'The path of the request to the API.' },
  pid: { kind: 'number', meaning: 'The process id of the embedded Postgres.' },
  how: { kind: 'text', meaning: 'The exit code or the signal.' },
  purged: {
    kind: 'texts',
    meaning: 'Status, service and number of those that were purged; at most 20, the largest numbers first.',
  },
  again: { kind: 'number', meaning: 'The time until the next try, in ms.' },
  folder: { kind: 'text', meaning: 'The folder.' },
} as const satisfies Record<string, Field>

export type FieldName = keyof typeof FIELDS

/** The type of the value of a field. */
export type Value<F extends FieldName> = Kinds[(typeof FIELDS)[F]['kind']]
