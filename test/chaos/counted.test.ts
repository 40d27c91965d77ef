// The counting of limited services: each excess is found, and what faults excuse is none.
import { expect } from 'chai'
import { BINDS, type Seen, mostAt, overdrawn, tooMany, used } from './counted.ts'

const seen = (at: number, end: number, node = 'a'): Seen => ({ service: 'svc', node, location: `/${at}`, at, end })
const regimes = [{ from: 0, limit: { concurrency: 2 } }]
const freeze = { name: 'freeze', from: 0, to: 50, excuses: true, doubts: ['b'], cancelWithin: 0 }

describe('the count of a limited service', () => {
  it('names each request that began beside as many as may be open', () => {
    expect(tooMany([seen(0, 10), seen(1, 10), seen(10, 20)], regimes, [])).to.have.length(0)
    expect(tooMany([seen(0, 10), seen(1, 10), seen(9, 20)], regimes, [])).to.have.length(1)
  })

  it('leaves out what a frozen node has begun, and nothing else', () => {
    expect(tooMany([seen(0, 10, 'b'), seen(1, 10), seen(2, 20)], regimes, [freeze])).to.have.length(0)
    expect(tooMany([seen(0, 10, 'c'), seen(1, 10), seen(2, 20)], regimes, [freeze])).to.have.length(1)
  })

  it('holds a lower limit against what begins once it binds', () => {
    const lowered = [...regimes, { from: 1_000, limit: { concurrency: 1 } }]
    expect([mostAt(lowered, 999), mostAt(lowered, 1_000 + BINDS), mostAt(lowered, 1_001 + BINDS)]).to.deep.equal([
      2, 2, 1,
    ])
  })

  it('finds the worst stretch of a rate', () => {
    const grants = [0, 100, 200, 250, 300].map((at) => ({ since: at, at }))
    expect(overdrawn(grants.slice(0, 3), 0.01, 1)).to.be.closeTo(0, 1e-9)
    expect(overdrawn(grants, 0.01, 1)).to.be.closeTo(1, 1e-9)
    // Between its arrival and its row a grant may have been reckoned at any time.
    expect(overdrawn([{ since: 0, at: 90 }, ...grants.slice(1, 2)], 0.01, 1)).to.be.closeTo(0, 1e-9)
  })

  it('says how much of a limit was used', () => {
    expect(used([seen(0, 10), seen(10, 30)], 2, 0, 20)).to.equal(0.5)
  })
})
