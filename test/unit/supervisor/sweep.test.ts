import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import type { SweepQuery } from '../../../src/store/claims.ts'
import type { Hands } from '../../../src/supervisor/hands.ts'
import type { Intake, Swept } from '../../../src/supervisor/intake.ts'
import { Sweep } from '../../../src/supervisor/sweep.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'

const NOTHING: Swept = { filled: new Set(), unannounced: new Set() }
const ALL = ['one', 'two']
const BOTH: Swept = { ...NOTHING, filled: new Set(['one', 'two']) }
const ONE: Swept = { ...NOTHING, filled: new Set(['one']) }
const TWO: Swept = { ...NOTHING, filled: new Set(['two']) }
const PARKED: Swept = { ...ONE, unannounced: new Set(['one']) }

describe('the sweep, when a pass has filled its slots', () => {
  /** What the passes bring, as far as they asked for it; after that they find nothing. */
  let brought: Swept[]
  /** The services that each pass asked for. */
  let asked: string[][]
  let supplied: Set<string>
  let healthy: boolean
  let barren: Set<string>
  /** How many popped ids of each service are being claimed. */
  let coming: number
  /** How many slots each service has free. */
  let room: number
  /** As many are free after each pass; after that as many as before. */
  let left: number[]
  /** Whether each pass gives its slots back, as they do. */
  let givesBack: boolean
  let sweep: Sweep

  beforeEach(() => {
    asked = []
    supplied = new Set()
    healthy = true
    barren = new Set()
    coming = 0
    room = 10
    left = []
    givesBack = false
    const swept = async (query: SweepQuery): Promise<Swept> => {
      asked.push([...query.room.keys()].sort())
      room = left.shift() ?? room
      if (givesBack) {
        // Passes without an end must leave the test its turn.
        await new Promise(setImmediate)
        for (const service of query.room.keys()) sweep.freed(service, false)
      }
      return brought.shift() ?? NOTHING
    }
    sweep = new Sweep({
      intake: {
        open: true,
        sweep: swept,
        barren: (service: string) => barren.has(service),
        coming: () => coming,
      } as unknown as Intake,
      hands: { free: 10, limit: () => 10, room: () => room } as unknown as Hands,
      queue: {
        get healthy() {
          return healthy
        },
      },
      services: ALL,
      supplied: (service) => supplied.has(service),
      // One tick in the time of a test.
      timings: { ...TIMINGS, sweep: 600_000 },
      log: silentLog(),
    })
  })
  afterEach(() => sweep.stop())

  const passes = async (...results: Swept[]): Promise<string[][]> => {
    brought = [...results]
    await sweep.start()
    await eventually(() => expect(brought).to.deep.equal([]))
    await new Promise(setImmediate)
    return asked
  }

  /** A slot comes free that nobody else takes. */
  const goesOnWithOne = async (): Promise<void> => {
    room = 1
    sweep.freed('one', true)
    await eventually(() => expect(asked).to.deep.equal([ALL, ['one'], ['one']]))
  }

  it('has the next one follow at once, until one finds less', async () => {
    expect(await passes(BOTH, BOTH)).to.deep.equal([ALL, ALL, ALL])
  })

  it('goes on with those that it has filled, whatever room others have', async () => {
    expect(await passes(ONE, ONE)).to.deep.equal([ALL, ['one'], ['one']])
  })

  it('leaves it at that where pops fill every slot', async () => {
    supplied = new Set(['one', 'two'])
    expect(await passes(BOTH)).to.deep.equal([ALL])
  })

  it('goes on with the services that pops do not fill', async () => {
    supplied = new Set(['one'])
    expect(await passes(BOTH, TWO)).to.deep.equal([ALL, ['two'], ['two']])
  })

  it('goes on with those whose list brings nothing, for which pops leave half of the slots', async () => {
    supplied = new Set(['one', 'two'])
    barren = new Set(['two'])
    expect(await passes(BOTH)).to.deep.equal([ALL, ['two']])
    const roomForPops = (): number[] => ['one', 'two'].map((service) => sweep.roomForPops(service))
    expect(roomForPops()).to.deep.equal([10, 5])
    room = 7
    coming = 3
    expect(roomForPops(), 'of which they have three').to.deep.equal([7, 2])
    room = 1
    coming = 0
    expect(roomForPops(), 'or the list would never come to its end').to.deep.equal([1, 1])
    room = 10
    supplied = new Set()
    expect(roomForPops(), 'when the list is at its end').to.deep.equal([10, 10])
  })

  it('goes on with those of which it brought what no list announces, as long as it does', async () => {
    supplied = new Set(['one', 'two'])
    expect(await passes(PARKED, PARKED, ONE)).to.deep.equal([ALL, ['one'], ['one']])
  })

  it('does not forget them for a pass that had no room', async () => {
    supplied = new Set(['one', 'two'])
    left = [10, 0]
    expect(await passes(PARKED, PARKED)).to.deep.equal([ALL, ['one']])
    sweep.freed('one', true)
    await new Promise(setImmediate)
    expect(asked).to.have.length(2)
    await goesOnWithOne()
  })

  it('looks at every service again where an id was not heard', async () => {
    supplied = new Set(['one', 'two'])
    await passes(BOTH)
    sweep.unheard()
    await eventually(() => expect(asked).to.deep.equal([ALL, ALL]))
  })

  it('and while there is no queue', async () => {
    supplied = new Set(['one'])
    healthy = false
    expect(await passes(BOTH)).to.deep.equal([ALL, ALL])
  })

  it('is not woken by slots that its own claim gives back, while there is no queue', async () => {
    healthy = false
    givesBack = true
    await passes(BOTH)
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate)
    // The third one follows slots that came back while more was to be expected.
    expect(asked).to.deep.equal([ALL, ALL, ALL])
  })

  it('goes on with the next slot that comes free, when there was none left', async () => {
    supplied = new Set(['two'])
    // After the second pass: the first one, a look, would find that a share is owed.
    left = [10, 0]
    expect(await passes(BOTH, ONE)).to.deep.equal([ALL, ['one']])
    room = 1
    sweep.freed('two', true)
    await new Promise(setImmediate)
    expect(asked, 'that of a service which pops fill').to.have.length(2)
    // Pops were quicker.
    room = 0
    sweep.freed('one', true)
    await new Promise(setImmediate)
    expect(asked).to.have.length(2)
    await goesOnWithOne()
  })

  it('goes on with them behind a debt for which nothing was overdue', async () => {
    left = [0]
    expect(await passes(ONE)).to.deep.equal([ALL])
    room = 1
    sweep.freed('one', true)
    await eventually(() => expect(asked).to.deep.equal([ALL, ALL, ['one']]))
  })

  it('owes no share before the next look, however often it is woken', async () => {
    supplied = new Set(['one', 'two'])
    room = 0
    await passes()
    expect(asked, 'without a slot').to.deep.equal([])
    room = 1
    expect(sweep.roomForPops('one'), 'the slot is owed').to.equal(0)
    sweep.freed('one', true)
    await eventually(() => expect(asked).to.deep.equal([ALL]))
    room = 0
    sweep.unheard()
    await new Promise(setImmediate)
    room = 1
    expect(sweep.roomForPops('one'), 'the debt was paid').to.equal(1)
  })

  it('takes the next slot of a service that was full, while there is no queue', async () => {
    healthy = false
    room = 0
    expect(await passes()).to.deep.equal([])
    room = 1
    sweep.freed('one', true)
    await eventually(() => expect(asked).to.deep.equal([ALL]))
  })

  describe('and is owed a slot', () => {
    beforeEach(async () => {
      room = 0
      await passes()
      room = 1
    })

    it('is paid also by one that had been kept for a claim', async () => {
      sweep.freed('one', false)
      await eventually(() => expect(asked).to.deep.equal([ALL]))
    })

    it('goes on with the services of which more was overdue', async () => {
      brought = [ONE]
      sweep.freed('one', true)
      await eventually(() => expect(asked).to.deep.equal([ALL, ['one']]))
    })

    it('is owed the next after nine of tasks, those kept for claims not counted', async () => {
      supplied = new Set(ALL)
      brought = [ONE]
      sweep.freed('one', true)
      await eventually(() => expect(asked).to.deep.equal([ALL]))
      await new Promise(setImmediate)
      for (let i = 0; i < 9; i += 1) sweep.freed('one', false)
      expect(sweep.roomForPops('one')).to.equal(1)
      for (let i = 0; i < 9; i += 1) sweep.freed('one', true)
      expect(sweep.roomForPops('one')).to.equal(0)
    })
  })
})
