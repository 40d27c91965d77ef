import { expect } from 'chai'
import { BatchRig, MIB, range } from './batch-rig.ts'

describe('a batch', () => {
  let rig: BatchRig

  afterEach(() => rig.close())

  it('flushes what came in one tick together, and answers each with its own result', async () => {
    rig = new BatchRig()
    await rig.add([1, 2, 3])
    expect(rig.flushes.map(({ entries }) => entries)).to.deep.equal([[1, 2, 3]])
    expect(rig.ends.size).to.equal(0)
    await rig.last.succeed()
    expect([...rig.ends]).to.deep.equal([
      [1, 'written 1'],
      [2, 'written 2'],
      [3, 'written 3'],
    ])
  })

  it('has one flush in flight, and what comes meanwhile forms the next', async () => {
    rig = new BatchRig()
    await rig.add([1])
    await rig.add([2])
    await rig.add([3])
    expect(rig.flushes).to.have.length(1)
    await rig.last.succeed()
    expect(rig.flushes.map(({ entries }) => entries)).to.deep.equal([[1], [2, 3]])
    await rig.last.succeed()
    await rig.add([4])
    expect(rig.last.entries).to.deep.equal([4])
  })

  it('waits where it was asked to behind a flush of several rows, so that the next one carries more', async () => {
    rig = new BatchRig({ gather: 3 })
    await rig.add([1, 2, 3, 4])
    await rig.add([5])
    await rig.last.succeed()
    await rig.clock.tickAsync(2)
    await rig.add([6])
    expect(rig.flushes).to.have.length(1)
    await rig.clock.tickAsync(1)
    expect(rig.flushes.map(({ entries }) => entries)).to.deep.equal([
      [1, 2, 3, 4],
      [5, 6],
    ])
    // Behind few it does not wait.
    await rig.add([7])
    await rig.last.succeed()
    expect(rig.last.entries).to.deep.equal([7])
  })

  it('does not wait when one that is urgent has come or comes', async () => {
    rig = new BatchRig({ gather: 3 })
    const four = [1, 2, 3, 4]
    await rig.add(four)
    await rig.add([5], true)
    await rig.last.succeed()
    expect(rig.last.entries).to.deep.equal([5])
    await rig.last.succeed()
    // Gone with the flush that it was in.
    await rig.add(four)
    await rig.last.succeed()
    await rig.add([6])
    expect(rig.last.entries).to.deep.equal(four)
    await rig.add([7], true)
    expect(rig.last.entries).to.deep.equal([6, 7])
  })

  it('is not hurried when it tries again', async () => {
    rig = new BatchRig({ gather: 3 })
    await rig.add([1, 2, 3, 4])
    await rig.last.fail('notSent')
    await rig.add([5], true)
    expect(rig.flushes).to.have.length(1)
  })

  it('flushes at most 1,000 rows at once', async () => {
    rig = new BatchRig()
    await rig.add(range(2_500))
    while (rig.ends.size < 2_500) await rig.last.succeed()
    expect(rig.flushes.map(({ entries }) => entries.length)).to.deep.equal([1_000, 1_000, 500])
  })

  it('flushes as many rows as it was asked to at most', async () => {
    rig = new BatchRig({ most: 16 })
    await rig.add(range(40))
    while (rig.ends.size < 40) await rig.last.succeed()
    expect(rig.flushes.map(({ entries }) => entries.length)).to.deep.equal([16, 16, 8])
  })

  it('counts the rows of an entry, and flushes a larger entry alone', async () => {
    rig = new BatchRig({ most: 10, rows: (entry) => entry })
    await rig.add([4, 6, 5, 12, 1])
    while (rig.ends.size < 5) await rig.last.succeed()
    expect(rig.flushes.map(({ entries }) => entries)).to.deep.equal([[4, 6], [5], [12], [1]])
  })

  it('flushes at most 8 MiB at once, and a larger entry alone', async () => {
    rig = new BatchRig({ bytes: (entry) => entry * MIB })
    await rig.add([3, 4, 2, 9, 1])
    while (rig.ends.size < 5) await rig.last.succeed()
    expect(rig.flushes.map(({ entries }) => entries)).to.deep.equal([[3, 4], [2], [9], [1]])
  })

  it('finds the bad row by halves, and writes the others', async () => {
    rig = new BatchRig()
    await rig.add(range(8))
    while (rig.ends.size < 8) await (rig.last.entries.includes(5) ? rig.last.fail('rejected') : rig.last.succeed())
    expect(rig.ends.get(5)).to.equal('rejected')
    expect([...rig.ends.values()].filter((end) => end.startsWith('written'))).to.have.length(7)
    expect(rig.flushes.map(({ entries }) => entries.join(''))).to.deep.equal([
      '01234567',
      '0123',
      '4567',
      '45',
      '4',
      '5',
      '67',
    ])
  })

  it('splits for a defect as well, be it an error that is none of the store', async () => {
    rig = new BatchRig({
      flush: async (entries) => (entries.includes(2) ? Promise.reject(new Error('oops')) : entries.map(String)),
    })
    await rig.add([1, 2, 3])
    expect([...rig.ends]).to.deep.equal([
      [1, '1'],
      [2, 'bug'],
      [3, '3'],
    ])
  })
})
