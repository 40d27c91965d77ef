// Postgres with a standby: what the nodes do when the primary is lost.
import { together } from '../support/together.ts'
import { commitsLost, primaryKilled, primaryReadOnly, primaryWakes } from './failover.ts'

// Not beside the others: 5 s are little where the machine is busy with them.
describe('a failover of Postgres to its synchronous standby', () => {
  it('costs no acknowledged task, and nodes work again within 5 s', primaryKilled).timeout(90_000)
})

describe('after a failover of Postgres', () => {
  together(
    {
      'no node stays with an old primary that wakes up, whose commits count for nothing': primaryWakes,
      'no node stays with an old primary that can only be read': primaryReadOnly,
      'no task is taken for a lost one whose id it has, where the standby was asynchronous': commitsLost,
    },
    120_000,
  )
})
