// `Retry-After` over HTTP: a date is measured by the clock of the service that wrote it.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, post, show, type Shown, type World } from '../support/world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('Retry-After as a date', () => {
  let world: World
  let node: RunningNode
  before(async () => {
    world = await openWorld()
    // The action says the status, and how many minutes the clock of the service is ahead. It asks for an hour.
    const url = await world.serve((request, response) => {
      const [status = '', ahead = ''] = String(request.headers['task-action']).split('.')
      const now = Date.now() + (Number(ahead) || 0) * MINUTE
      response.sendDate = false
      if (ahead !== 'none') response.setHeader('Date', ahead === 'junk' ? 'today' : new Date(now).toUTCString())
      response.setHeader('Retry-After', new Date(now + HOUR).toUTCString())
      response.writeHead(Number(status)).end('{"n":1}')
    })
    node = await world.node({ services: { svc: { url } } })
  })
  after(() => world.close())

  /** The task once it waits. */
  const waiting = async (action: string): Promise<Shown> => {
    const location = await post(node.url, action)
    return eventually(async () => {
      const task = await show(node.url, location)
      if (!task || task.step + task.fails === 0) throw new Error('the service has not been asked yet')
      return task
    })
  }

  for (const status of [206, 429, 503])
    for (const [ahead, clock] of [
      ['0', 'has the time of the node'],
      ['300', 'is 5 h ahead'],
      ['-300', 'is 5 h behind'],
      ['none', 'is not told'],
      ['junk', 'makes no sense'],
    ] as const)
      it(`${status}: asks for an hour where the clock of the service ${clock}`, async () => {
        const { runAt } = await waiting(`${status}.${ahead}`)
        expect(Date.parse(runAt ?? '') - Date.now()).to.be.within(HOUR - 2 * MINUTE, HOUR + 2 * MINUTE)
      })
})
