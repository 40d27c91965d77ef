// What becomes of a flush that fails, by the patience of its batch, and when the batch is closed.
import { expect } from 'chai'
import { BatchRig, MIB, range } from './batch-rig.ts'

describe('a batch', () => {
  let rig: BatchRig

  afterEach(() => rig.close())

  describe('that keeps its writes', () => {
    for (const trouble of ['notSent', 'conflict', 'unknown'] as const)
      it(`repeats a flush that was ${trouble} until it goes through`, async () => {
        rig = new BatchRig()
        await rig.add([1, 2])
        for (const wait of [50, 100, 200, 400, 800, 1_000, 1_000]) {
          const { length } = rig.flushes
          await rig.last.fail(trouble)
          await rig.clock.tickAsync(wait - 1)
          expect(rig.flushes, `before ${wait} ms`).to.have.length(length)
          await rig.clock.tickAsync(1)
          expect(rig.flushes, `after ${wait} ms`).to.have.length(length + 1)
        }
        expect(rig.last.entries).to.deep.equal([1, 2])
        await rig.last.succeed()
        expect([...rig.ends.values()]).to.deep.equal(['written 1', 'written 2'])
      })

    it('says that an earlier try may have been applied, from then on', async () => {
      rig = new BatchRig()
      await rig.add([1])
      await rig.last.fail('notSent')
      await rig.clock.tickAsync(50)
      await rig.last.fail('unknown')
      await rig.clock.tickAsync(100)
      await rig.last.fail('conflict')
      await rig.clock.tickAsync(200)
      await rig.last.succeed()
      await rig.add([2])
      expect(rig.flushes.map(({ again }) => again)).to.deep.equal([false, false, true, true, false])
    })

    it('says so to the halves too, when the repeat has a defect', async () => {
      rig = new BatchRig()
      await rig.add([1, 2])
      await rig.last.fail('unknown')
      await rig.clock.tickAsync(50)
      await rig.last.fail('bug')
      await rig.last.succeed()
      await rig.last.succeed()
      expect(rig.flushes.map(({ entries, again }) => [...entries, again])).to.deep.equal([
        [1, 2, false],
        [1, 2, true],
        [1, true],
        [2, true],
      ])
    })

    it('takes entries without limit: the slots bound them', async () => {
      rig = new BatchRig({ bytes: () => 65 * MIB })
      await rig.add([1, 2, 3])
      await rig.last.succeed()
      await rig.last.succeed()
      await rig.last.succeed()
      expect([...rig.ends.values()]).to.deep.equal(['written 1', 'written 2', 'written 3'])
    })

    it('gives a repeat up when it is closed', async () => {
      rig = new BatchRig()
      await rig.add([1])
      await rig.last.fail('unknown')
      rig.batch.close()
      await rig.clock.tickAsync(0)
      expect([...rig.ends]).to.deep.equal([[1, 'unknown']])
      expect(rig.clock.countTimers()).to.equal(0)
    })
  })

  describe('that refuses', () => {
    for (const trouble of ['notSent', 'conflict', 'unknown'] as const)
      it(`refuses a flush that was ${trouble} at once, with what waits behind it`, async () => {
        rig = new BatchRig({ patience: 'refuse' })
        await rig.add([1])
        await rig.add([2, 3])
        await rig.last.fail(trouble)
        expect(rig.flushes).to.have.length(1)
        expect([...rig.ends]).to.deep.equal([
          [1, trouble],
          [2, 'notSent'],
          [3, 'notSent'],
        ])
      })

    it('takes entries again afterwards', async () => {
      rig = new BatchRig({ patience: 'refuse' })
      await rig.add([1])
      await rig.last.fail('notSent')
      await rig.add([2])
      await rig.last.succeed()
      expect(rig.ends.get(2)).to.equal('written 2')
    })

    it('refuses what passes 64 MiB of waiting entries', async () => {
      rig = new BatchRig({ patience: 'refuse', bytes: (entry) => entry * MIB })
      await rig.add([1])
      await rig.add([60, 4, 2])
      expect([...rig.ends]).to.deep.equal([[2, 'notSent']])
      await rig.last.succeed()
      await rig.add([2])
      expect(rig.ends.has(60)).to.equal(false)
      await rig.last.succeed()
      await rig.last.succeed()
      await rig.last.succeed()
      expect(rig.ends.get(60)).to.equal('written 60')
    })

    it('refuses what passes 200,000 waiting entries', async () => {
      rig = new BatchRig({ patience: 'refuse', bytes: () => 0 })
      await rig.add([-1])
      await rig.add(range(200_001))
      expect([...rig.ends]).to.deep.equal([[200_000, 'notSent']])
    })
  })

  describe('that is closed', () => {
    it('refuses new entries', async () => {
      rig = new BatchRig()
      rig.batch.close()
      await rig.add([1])
      expect([...rig.ends]).to.deep.equal([[1, 'notSent']])
      expect(rig.flushes).to.deep.equal([])
    })

    it('lets a flush in flight end as it will', async () => {
      rig = new BatchRig()
      await rig.add([1])
      rig.batch.close()
      await rig.last.succeed()
      expect(rig.ends.get(1)).to.equal('written 1')
    })

    it('repeats nothing: a flush in flight that fails is refused', async () => {
      rig = new BatchRig()
      await rig.add([1])
      rig.batch.close()
      await rig.last.fail('notSent')
      expect([...rig.ends]).to.deep.equal([[1, 'notSent']])
      expect(rig.flushes).to.have.length(1)
    })

    it('refuses what waits behind a flush in flight', async () => {
      rig = new BatchRig()
      await rig.add([1])
      await rig.add([2])
      rig.batch.close()
      await rig.clock.tickAsync(0)
      expect([...rig.ends]).to.deep.equal([[2, 'notSent']])
      await rig.last.succeed()
      expect(rig.flushes).to.have.length(1)
    })
  })
})
