// Who a node is: what the log, the lease and the claims name it by.

export interface Identity {
  /** The id of its row: one a start of the process, and another one when its row was gone. Only the lease changes it. */
  node: string
}
