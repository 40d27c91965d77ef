import { expect } from 'chai'
import { foreignTo } from '../../../src/config/foreign.ts'

describe('the variables that a node must not keep', () => {
  const env = {
    PATH: '/bin',
    PORT: '0',
    TZ: 'UTC',
    PGSSLMODE: 'prefer',
    PGPASSWORD: 'secret',
    PGBINARY: '1',
    PGREPLICATION: 'database',
    PGCLIENT_ENCODING: 'LATIN1',
    NODE_PG_FORCE_NATIVE: '1',
    NODE_OPTIONS: '',
    MY_PGPASSWORD: 'mine',
  }
  const broken = ['PGBINARY', 'PGREPLICATION', 'PGCLIENT_ENCODING', 'NODE_PG_FORCE_NATIVE']

  it('are all PG variables when Postgres is its own', () => {
    expect(foreignTo(env, true)).to.have.members(['PGSSLMODE', 'PGPASSWORD', ...broken])
  })

  it('are those that libpq does not know when Postgres has a URL', () => {
    expect(foreignTo(env, false)).to.have.members(broken)
  })
})
