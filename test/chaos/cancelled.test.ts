// What the judge says of a deleted task on a machine that gave the nodes no core for a while.
import { expect } from 'chai'
import { cancelled } from './cancelled.ts'
import type { Span } from './evidence.ts'
import type { Entry } from './ledger.ts'
import type { Asked } from './referee.ts'
import { STARVED } from './spans.ts'

const STARVATION: Span = { name: STARVED, from: 1_050, to: 5_050, excuses: false, doubts: [], cancelWithin: 3_000 }
const ENTRY = { deletedAt: 1_050, deletedBy: 'http://a', location: '/tasks/1' } as Entry

const said = (at: number, end: number, span: Span): string =>
  cancelled(ENTRY, [{ id: '1', task: 1, node: 'a', step: 0, attempt: 1, at, end, status: 200 } as Asked], [span]).join()

describe('the bound of a DELETE', () => {
  it('is a time in which threads of nodes had their cores', () => {
    expect(said(8_000, 8_010, STARVATION)).to.equal('')
    expect(said(8_500, 8_510, STARVATION)).to.match(/asked 7450 ms after its DELETE \(bound 3000 ms\)/)
    expect(said(1_000, 8_000, STARVATION)).to.equal('')
    expect(said(1_000, 8_500, STARVATION)).to.match(/still being asked 7450 ms after its DELETE/)
  })

  it('is one of the clock where they had', () => {
    const queue = { ...STARVATION, name: 'queue' }
    expect(said(4_300, 4_310, queue)).to.equal('')
    expect(said(8_000, 8_010, queue)).to.match(/bound 3000 ms/)
  })
})
