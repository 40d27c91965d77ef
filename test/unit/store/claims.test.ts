// What a claim makes of an answer that no Postgres gives.
import { expect } from 'chai'
import { claimDue } from '../../../src/store/claims.ts'
import type { Query } from '../../../src/store/database.ts'
import { StoreError } from '../../../src/store/trouble.ts'

const BY = { node: '00000000-0000-4000-8000-000000000001', token: 1, takesOver: false }
const ASKED = { wanted: new Map([['svc', { count: 1 }]]), limit: 1, grace: 0 }

const answering = (id: string, action = 'a'): Query => (async () => [{ id, action, body: '{}' }]) as unknown as Query

describe('an answer to a claim', () => {
  it('brings its rows', async () => {
    expect((await claimDue(answering('12'), BY, ASKED)).map(({ id }) => id)).to.deep.equal(['12'])
  })

  for (const id of ['1:2', '-1', '0', '', '99999999999999999999'])
    it(`is not believed where an id is ${JSON.stringify(id)}`, async () => {
      const error = await claimDue(answering(id), BY, ASKED).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(StoreError).and.include({ trouble: 'unknown' })
    })

  it('is not believed where an action is none', async () => {
    const error = await claimDue(answering('12', 'a\u0001'), BY, ASKED).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(StoreError).and.include({ trouble: 'unknown' })
  })
})
