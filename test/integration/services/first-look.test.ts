// A node that starts knows what is paused before it has a lease, and so before it claims anything.
import { expect } from 'chai'
import { openCrew } from '../../support/crew.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('a node that starts', () => {
  let world: World
  beforeEach(async () => void (world = await openWorld()))
  afterEach(() => world.close())

  it('reads the states of services before its lease begins', async () => {
    const asked: string[] = []
    const crew = await openCrew(world, {
      prepare: (store) => {
        const enroll = store.enroll.bind(store)
        const read = store.states.read
        store.enroll = async (...given) => {
          asked.push('enroll')
          return enroll(...given)
        }
        Object.assign(store.states, {
          read: async () => {
            const states = await read()
            asked.push('read')
            return states
          },
        })
      },
    })
    await crew[Symbol.asyncDispose]()
    expect(asked.slice(0, 2)).to.deep.equal(['read', 'enroll'])
  })
})
