// What the judge says of a deleted task on a machine that gave the nodes no core for a while.
import { expect } from 'chai'
import { cancelled } from './cancelled.ts'
import type { Span } from './evidence.ts'
import type { Entry } from './ledger.ts'
import type { Asked } from './referee.ts'
import { QUEUED, STARVED } from './spans.ts'

const STARVATION: Span = { name: STARVED, from: 1_050, to: 5_050, excuses: false, doubts: [], cancelWithin: 3_000 }
const ENTRY = { deletedAt: 1_050, deletedBy: 'http://a', location: '/tasks/1' } as Entry

/** New connections of node `a` waited, those of one look after another. */
const QUEUE: Span[] = [
  [1_000, 5_000],
  [5_100, 9_000],
].map(([from = 0, to = 0]) => ({ ...STARVATION, name: QUEUED, of: 'a', from, to }))

const asked = (at: number, end: number, attempt = 1, node = 'a'): Asked =>
  ({ id: '1', task: 1, node, step: 0, attempt, at, end, status: 200 }) as Asked
const judged = (own: Asked[], ...spans: Span[]): string => cancelled(ENTRY, own, spans).join()
const said = (at: number, end: number, ...spans: Span[]): string => judged([asked(at, end)], ...spans)

describe('the bound of a DELETE', () => {
  it('is a time in which threads of nodes had their cores', () => {
    expect(said(8_000, 8_010, STARVATION)).to.equal('')
    expect(said(8_500, 8_510, STARVATION)).to.match(/asked 7450 ms after its DELETE \(bound 3000 ms\)/)
    expect(said(1_000, 8_000, STARVATION)).to.equal('')
    expect(said(1_000, 8_500, STARVATION)).to.match(/still being asked 7450 ms after its DELETE/)
  })

  it('is one of the clock where they had', () => {
    const late = { ...STARVATION, name: 'late' }
    expect(said(4_300, 4_310, late)).to.equal('')
    expect(said(8_000, 8_010, late)).to.match(/bound 3000 ms/)
  })

  it('begins where a request was sent, and not where it left the queue of its node', () => {
    expect(said(8_900, 8_910, ...QUEUE)).to.equal('')
    expect(said(9_100, 9_110, ...QUEUE)).to.match(/asked 8050 ms after its DELETE/)
    expect(judged([asked(8_900, 8_910, 1, 'b')], ...QUEUE)).to.match(/asked 7850 ms after its DELETE/)
    expect(said(1_000, 4_900, ...QUEUE)).to.match(/still being asked 3850 ms after its DELETE/)
    // Both may have been sent before the DELETE, but not where they were read after the look that was made behind it.
    expect(judged([asked(4_900, 4_910, 1), asked(4_950, 4_960, 2)], ...QUEUE)).to.equal('')
    expect(judged([asked(9_010, 9_020, 1), asked(9_050, 9_060, 2)], ...QUEUE)).to.match(/asked 2 times/)
  })
})
