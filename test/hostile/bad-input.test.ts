// The API given bad input, over real connections to a real node: tens of thousands of requests, none of which may harm it.
import { expect } from 'chai'
import { arbitrary } from './arbitrary.ts'
import { Ground } from './ground.ts'
import { jsonSuite } from './json-suite.ts'
import { naughty } from './naughty.ts'
import { Crowd, slow } from './slow.ts'
import { PATIENCE } from './tally.ts'
import { targets } from './targets.ts'
import { wire } from './wire.ts'

describe('the API, given bad input', function () {
  const ground = new Ground()
  const crowd = new Crowd()
  before(async () => {
    await ground.start()
    // They are there while all the others are served.
    await crowd.start(ground.port)
  })
  after(async () => {
    crowd.stop()
    await ground.stop()
    console.log(`      ${ground.tally.line()}`)
  })

  describe('the JSONTestSuite', () => jsonSuite(ground))
  describe('naughty strings', () => naughty(ground))
  describe('ids and queries', () => targets(ground))
  describe('raw connections', () => wire(ground))
  describe('what nobody thought of', () => arbitrary(ground))
  describe('slow callers', () => slow(ground, crowd))

  describe('all in all', () => {
    it('answers no request with 5xx', () => {
      expect(ground.tally.faults).to.deep.equal([])
    })

    // A hang lies in the request and comes again with it. A stall of the machine, on which others run too, does not.
    it('answers every request within a second: what was late is asked again, alone', async () => {
      for (const { what, again } of ground.tally.late) {
        const times = [await again(), await again(), await again()]
        expect(Math.min(...times), what).to.be.below(PATIENCE)
      }
    })

    it('complains of nothing', () => {
      expect(ground.complaints).to.deep.equal([])
    })
  })
})
