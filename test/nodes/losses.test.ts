// Nodes that die, nodes that freeze, and a Postgres that goes away, at the protocol's own times.
import { together } from '../support/together.ts'
import { frozen } from './frozen.ts'
import { CROWD, crowd, takenUp } from './killed.ts'
import { postgresAway, postgresKilled } from './postgres.ts'

describe('while parts of the system are gone', () => {
  together(
    {
      'the tasks of a killed node are begun again within 12 s, each at its step': takenUp,
      'the tasks of a frozen node are taken over, and it does nothing with them when it goes on': frozen,
    },
    90_000,
  )
})

// Not beside the others: 8 or 12 s are little where Postgres and the machine are busy with a crowd of tasks.
describe('while many tasks run', () => {
  it(`${CROWD} tasks end within 15 s of the death of one of two nodes`, crowd).timeout(90_000)
})

describe('while Postgres is gone', () => {
  together(
    {
      'a Postgres that is killed costs nothing but time': postgresKilled,
      'a Postgres that is away for longer than the leases costs nothing but time': postgresAway,
    },
    90_000,
  )
})
