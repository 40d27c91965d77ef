// The id of a node, which the log, the lease and the claims use.

export interface Identity {
  /** The id of the node's row. Each start of the process has a new id, and the lease sets another one when the row is gone. */
  node: string
}
