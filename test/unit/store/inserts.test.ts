import { expect } from 'chai'
import { setImmediate as tick } from 'node:timers/promises'
import type { Prepared, Query } from '../../../src/store/database.ts'
import { HighestId, INSERT, MOST_READ_BACKS, insertFlush, newRow } from '../../../src/store/inserts.ts'
import { sealsOf } from '../../../src/store/seal.ts'
import { StoreError } from '../../../src/store/trouble.ts'

const TASK = { service: 'billing', action: 'charge', payload: '{}' }

describe('the flush of inserts', () => {
  let inserts: number
  let looks: ((rows: readonly unknown[]) => void)[]
  let outcome: 'written' | 'unknown'
  let flush: ReturnType<typeof insertFlush>
  let looking: Set<Promise<unknown>>

  beforeEach(() => {
    inserts = 0
    looks = []
    outcome = 'unknown'
    const query = (sql: string | Prepared, values: readonly unknown[] = []): Promise<readonly unknown[]> => {
      if (sql === INSERT.call) {
        inserts += 1
        if (outcome === 'unknown') throw new StoreError('unknown', 'the connection broke')
        return Promise.resolve((values[0] as string[]).map((key, i) => ({ id: String(100 + i), key })))
      }
      return new Promise((found) => looks.push(found))
    }
    const asked = (async (...given: Parameters<typeof query>) => query(...given)) as Query
    flush = insertFlush(asked, sealsOf(), new HighestId(), (looking = new Set()))
  })

  it('goes on while rows of an unknown outcome are looked for', async () => {
    const [lost] = await flush([newRow(TASK)])
    outcome = 'written'
    const [written] = await flush([newRow(TASK)])
    expect(await written).to.include({ id: '100' })
    expect(lost).to.be.a('promise')
    expect(looks).to.have.length(1)
    expect(looking.size).to.equal(1)
  })

  it('says of a row that is found how old it is, and looks no more', async () => {
    const row = newRow(TASK)
    const [lost] = await flush([row])
    looks[0]?.([{ id: '7', key: row.key, node: null, token: '0', age: 4_000 }])
    expect(await lost).to.include({ id: '7', age: 4_000, claimed: false })
    expect(looking.size).to.equal(0)
  })

  it('waits while so many are looked for, and goes on when one is found', async () => {
    const rows = Array.from({ length: MOST_READ_BACKS }, () => newRow(TASK))
    for (const row of rows) void (await flush([row]))
    outcome = 'written'
    const last = flush([newRow(TASK)])
    for (let i = 0; i < 5; i += 1) await tick()
    expect(inserts).to.equal(MOST_READ_BACKS)
    looks[0]?.([{ id: '7', key: rows[0]?.key }])
    void (await last)
    expect(inserts).to.equal(MOST_READ_BACKS + 1)
  })
})
