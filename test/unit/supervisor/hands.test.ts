import { expect } from 'chai'
import { Hands, type Held } from '../../../src/supervisor/hands.ts'
import { aHeld, services } from './build.ts'

describe('hands', () => {
  let freed: { service: string; held: Held | undefined }[]
  let hands: Hands

  beforeEach(() => {
    freed = []
    hands = new Hands(10, services({ billing: 4, mail: 100 }), (service, held) => freed.push({ service, held }))
  })

  it('have room for a service up to its concurrency, and up to the slots', () => {
    expect(hands.limit('billing')).to.equal(4)
    expect(hands.limit('mail')).to.equal(10)
    expect(hands.room('billing')).to.equal(4)
    expect(hands.room('mail')).to.equal(10)
  })

  it('have no room for a service that they do not know', () => {
    expect(hands.limit('nobody')).to.equal(0)
    expect(hands.room('nobody')).to.equal(0)
  })

  it('fill slots with what they take, and free them with what they drop', () => {
    const held = aHeld()
    hands.add(held)
    expect([hands.size, hands.free, hands.room('billing'), hands.room('mail')]).to.deep.equal([1, 9, 3, 9])
    expect(hands.get('1')).to.equal(held)
    expect(hands.drop(held)).to.equal(true)
    expect([hands.size, hands.free, hands.room('billing'), hands.room('mail')]).to.deep.equal([0, 10, 4, 10])
    expect(freed).to.deep.equal([{ service: 'billing', held }])
  })

  it('drop a claim only once', () => {
    const held = aHeld()
    hands.add(held)
    hands.drop(held)
    expect(hands.drop(held)).to.equal(false)
    expect(hands.room('billing')).to.equal(4)
    expect(freed).to.have.length(1)
  })

  it('do not drop the newer claim of a task for the older one', () => {
    const older = aHeld({ token: 1 })
    const newer = aHeld({ token: 2 })
    hands.add(older)
    hands.drop(older)
    hands.add(newer)
    expect(hands.has(older)).to.equal(false)
    expect(hands.drop(older)).to.equal(false)
    expect(hands.get('1')).to.equal(newer)
    expect(hands.all()).to.deep.equal([newer])
  })

  it('take the load off the thread that ran a claim', () => {
    const thread = { load: 3 } as NonNullable<Held['thread']>
    const held = aHeld({ thread })
    hands.add(held)
    hands.drop(held)
    expect(thread.load).to.equal(2)
  })

  it('keep slots for claims under way, in all and of each service', () => {
    hands.reserve(
      5,
      new Map([
        ['billing', 4],
        ['mail', 5],
      ]),
    )
    expect([hands.free, hands.room('billing'), hands.room('mail')]).to.deep.equal([5, 0, 5])
    hands.unreserve(
      5,
      new Map([
        ['billing', 4],
        ['mail', 5],
      ]),
    )
    expect([hands.free, hands.room('billing'), hands.room('mail')]).to.deep.equal([10, 4, 10])
    expect(freed).to.deep.equal([
      { service: 'billing', held: undefined },
      { service: 'mail', held: undefined },
    ])
  })

  it('have no room below zero while a claim that came still has its slot reserved', () => {
    hands.reserve(10, new Map([['mail', 10]]))
    hands.add(aHeld({ service: 'mail' }))
    expect(hands.room('mail')).to.equal(0)
    expect(hands.room('billing')).to.equal(0)
  })
})

describe('a cancellation that comes before its claim', () => {
  let hands: Hands

  beforeEach(() => {
    hands = new Hands(10, services({ billing: 4 }), () => {})
  })

  it('is remembered until the claim in flight is answered', () => {
    hands.sent(1)
    expect([...hands.inFlight.keys()]).to.deep.equal([1])
    hands.remember('7')
    const answered = hands.answered(1)
    expect(answered.hinted('7')).to.equal(true)
    expect(answered.hinted('8')).to.equal(false)
    expect([...hands.inFlight.keys()]).to.deep.equal([])
  })

  it('is remembered for each claim that was in flight, whichever is answered first', () => {
    for (const token of [1, 2]) hands.sent(token)
    hands.remember('7')
    expect(hands.answered(2).hinted('7')).to.equal(true)
    expect(hands.answered(1).hinted('7')).to.equal(true)
  })

  it('does not touch a claim that was sent after it: the row was gone by then', () => {
    hands.sent(1)
    hands.remember('7')
    hands.sent(2)
    expect(hands.answered(2).hinted('7')).to.equal(false)
    expect(hands.answered(1).hinted('7')).to.equal(true)
  })

  it('is forgotten when nothing is in flight', () => {
    hands.remember('7')
    hands.sent(1)
    expect(hands.answered(1).hinted('7')).to.equal(false)
  })

  it('makes every row of the claims in flight doubtful when more ids are hinted than are remembered', () => {
    hands.sent(1)
    for (let id = 0; id < 10_001; id += 1) hands.remember(String(id))
    hands.sent(2)
    const [first, second] = [hands.answered(1), hands.answered(2)]
    expect([first.hinted('0'), first.hinted('10000'), first.hinted('nobody named it')]).to.deep.equal([
      true,
      true,
      true,
    ])
    expect(second.hinted('0')).to.equal(false)
    hands.sent(1)
    expect(hands.answered(1).hinted('nobody named it')).to.equal(false)
  })

  it('is heard once', () => {
    hands.sent(1)
    hands.remember('7')
    hands.answered(1)
    hands.sent(1)
    expect(hands.answered(1).hinted('7')).to.equal(false)
  })
})
