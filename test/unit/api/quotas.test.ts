// The quotas of keys, at given times, with waiting tasks counted by the test.
import { expect } from 'chai'
import { Quotas } from '../../../src/api/quotas.ts'
import { ANYBODY, type Caller, type Quota } from '../../../src/core/key.ts'
import { Refusal } from '../../../src/core/refusal.ts'

const callerWith = (quota?: Quota, name = 'shop'): Caller => ({
  name,
  key: { name, hashes: [], scopes: ['submit'], services: undefined, own: false, expires: undefined, quota },
})

/** Quotas, the time, and what the count says. */
function open() {
  const rig = { now: 0, waiting: 0, counted: [] as unknown[], takes: 0, fails: false }
  const waiting = async (name: string, most: number): Promise<number> => {
    rig.counted.push([name, most])
    rig.now += rig.takes
    if (rig.fails) throw new Refusal('unavailable', 'gone')
    return Math.min(rig.waiting, most)
  }
  const quotas = new Quotas({ waiting }, () => rig.now)
  /** 0: admitted; else the seconds to wait, or the code of another refusal. */
  const admit = (caller: Caller, tasks = 1): Promise<number | string> =>
    quotas.admit(caller, tasks).then(
      () => 0,
      (error: unknown) => {
        if (!(error instanceof Refusal)) throw error
        return error.code === 'quota_exceeded' ? error.retryAfter : error.code
      },
    )
  return { rig, quotas, admit }
}

describe('the quotas of keys', () => {
  it('bound nobody who has none, and count nothing for them', async () => {
    const { rig, admit } = open()
    for (const caller of [ANYBODY, callerWith(), callerWith({ rate: '1000000/s' })])
      expect(await admit(caller, 1_000)).to.equal(0)
    expect(rig.counted).to.deep.equal([])
  })

  it('measure each key by itself, and tell whole seconds, at least one', async () => {
    const { rig, admit } = open()
    const [shop, other] = [callerWith({ rate: '2/s' }), callerWith({ rate: '6/m', burst: 1 }, 'other')]
    expect(await admit(shop, 2)).to.equal(0)
    expect(await admit(other)).to.equal(0)
    expect([await admit(shop), await admit(other)]).to.deep.equal([1, 10])
    rig.now = 500
    expect([await admit(shop), await admit(other)]).to.deep.equal([0, 10])
  })

  it('follow a quota that was changed', async () => {
    const { admit } = open()
    expect(await admit(callerWith({ rate: '1/h' }))).to.equal(0)
    expect(await admit(callerWith({ rate: '1/h' }))).to.equal(3600)
    expect(await admit(callerWith({ rate: '1/s' }))).to.equal(1)
    expect(await admit(callerWith())).to.equal(0)
  })

  it('let a change of many begin with a full bucket, and charge what it has created', async () => {
    const { quotas, admit } = open()
    const shop = callerWith({ rate: '1/s', burst: 10 })
    const created = await quotas.admitMany(shop)
    expect(await admit(shop)).to.equal(1)
    created(7)
    expect(await admit(shop, 3)).to.equal(0)
    expect(await quotas.admitMany(shop).catch((error: unknown) => error)).to.have.property('retryAfter', 10)
  })

  it('overdraw the bucket by a change of many that has created more', async () => {
    const { quotas, admit } = open()
    const shop = callerWith({ rate: '1/s', burst: 10 })
    ;(await quotas.admitMany(shop))(25)
    expect(await admit(shop)).to.equal(16)
  })

  it('count waiting tasks once a second, to the quota, and by what holds now', async () => {
    const { rig, admit } = open()
    const shop = callerWith({ waiting: 5, rate: '1/h', burst: 100 })
    rig.waiting = 4
    expect(await Promise.all([admit(shop), admit(shop), admit(shop)])).to.deep.equal([0, 0, 0])
    rig.waiting = 9
    expect(await admit(shop)).to.equal(0)
    rig.now = 1_000
    expect(await Promise.all([admit(shop), admit(shop)])).to.deep.equal([1, 1])
    expect(rig.counted).to.deep.equal([['shop', 5], ['shop', 5]]) // prettier-ignore
    // The file was read again.
    expect(await admit(callerWith({ waiting: 6 }))).to.equal(0)
    rig.waiting = 0
    rig.now = 2_000
    // Refusals for waiting tasks have taken no tokens.
    expect(await admit(shop, 96)).to.equal(0)
  })

  it('count more seldom where a count takes long', async () => {
    const { rig, admit } = open()
    const shop = callerWith({ waiting: 5 })
    rig.takes = 100
    await admit(shop)
    rig.takes = 0
    for (rig.now = 200; rig.now < 5_000; rig.now += 100) await admit(shop)
    expect(rig.counted).to.have.length(1)
    rig.now = 5_100
    await admit(shop)
    expect(rig.counted).to.have.length(2)
  })

  it('refuse while waiting tasks cannot be counted, and count again at the next request', async () => {
    const { rig, admit } = open()
    const shop = callerWith({ waiting: 5 })
    rig.fails = true
    expect([await admit(shop), await admit(shop)]).to.deep.equal(['unavailable', 'unavailable'])
    rig.fails = false
    expect(await admit(shop)).to.equal(0)
    expect(rig.counted).to.have.length(3)
  })
})
