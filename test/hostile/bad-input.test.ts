// The API given bad input, over real connections to a real node: tens of thousands of requests, none of which may harm it.
import { expect } from 'chai'
import { Ground } from './ground.ts'
import { jsonSuite } from './json-suite.ts'
import { naughty } from './naughty.ts'
import { wire } from './wire.ts'

describe('the API, given bad input', function () {
  this.timeout(60_000)
  const ground = new Ground()
  before(() => ground.start())
  after(() => ground.stop())

  describe('the JSONTestSuite', () => jsonSuite(ground))

  describe('naughty strings', () => naughty(ground))
  describe('raw connections', () => wire(ground))

  it('answers every request within a second, and none with 5xx', () => {
    expect(ground.tally.breaches).to.deep.equal([])
    expect(ground.complaints).to.deep.equal([])
  })

  after(() => console.log(`      ${ground.tally.line()}`))
})
