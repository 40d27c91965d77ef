import { expect } from 'chai'
import { Share } from '../../../src/supervisor/share.ts'

describe('the share of the sweep', () => {
  let room: Record<string, number>
  let share: Share

  beforeEach(() => {
    room = { billing: 0, mail: 5 }
    const limits: Record<string, number> = { billing: 25, mail: 5 }
    share = new Share(
      (service) => limits[service] ?? 0,
      (service) => room[service] ?? 0,
    )
  })

  it('is owed nothing before a service was found full', () => {
    expect(share.owed('billing')).to.equal(0)
    expect(share.freed('billing')).to.equal(false)
    expect(share.debts()).to.deep.equal(new Map())
  })

  it('is a tenth of the slots, rounded up, of each service that pops keep full', () => {
    share.tick(['billing', 'mail'])
    expect(share.owed('billing')).to.equal(3)
    expect(share.owed('mail')).to.equal(0)
  })

  it('is one slot at least', () => {
    room = { billing: 0, mail: 0 }
    share.tick(['mail'])
    expect(share.owed('mail')).to.equal(1)
  })

  it('is paid once all its slots are free', () => {
    share.tick(['billing'])
    room['billing'] = 2
    expect(share.freed('billing')).to.equal(false)
    expect(share.debts()).to.deep.equal(new Map())
    room['billing'] = 3
    expect(share.freed('billing')).to.equal(true)
    expect(share.debts()).to.deep.equal(new Map([['billing', 3]]))
  })

  it('does not grow while it waits', () => {
    share.tick(['billing'])
    share.tick(['billing'])
    expect(share.owed('billing')).to.equal(3)
  })

  it('comes again after nine times as many slots, while more rows wait', () => {
    share.tick(['billing'])
    share.paid('billing', true)
    expect(share.owed('billing')).to.equal(0)
    for (let freed = 1; freed < 27; freed += 1) {
      share.freed('billing')
      expect(share.owed('billing'), `after ${freed}`).to.equal(0)
    }
    share.freed('billing')
    expect(share.owed('billing')).to.equal(3)
  })

  it('comes again with the next tick only, when no more rows wait', () => {
    share.tick(['billing'])
    share.paid('billing', false)
    for (let freed = 0; freed < 1_000; freed += 1) share.freed('billing')
    expect(share.owed('billing')).to.equal(0)
    share.tick(['billing'])
    expect(share.owed('billing')).to.equal(3)
  })

  it('is content with the slots that there are, when so many never come free together', () => {
    share.tick(['billing'])
    room['billing'] = 1
    share.tick(['billing'])
    expect(share.owed('billing'), 'after one tick').to.equal(3)
    share.tick(['billing'])
    expect(share.owed('billing')).to.equal(1)
    expect(share.debts()).to.deep.equal(new Map([['billing', 1]]))
  })

  it('is paid to another service first each time', () => {
    room = { billing: 0, mail: 0 }
    share.tick(['billing', 'mail'])
    room = { billing: 3, mail: 3 }
    const first = [...share.debts().keys()][0]
    expect([...share.debts().keys()][0]).to.not.equal(first)
  })
})
