// The one contract of every long-lived part of a node.

/** A part that runs between `start` and `stop`. Both are idempotent and must be awaited. `stop` may be called before `start`. */
export interface Part {
  start(): Promise<void>
  stop(): Promise<void>
}
