// A service at a link-local address: its task is tried again, and says why it cannot be reached.
import { expect } from 'chai'
import { ended, openWorld, post, type World } from '../support/world.ts'

describe('a service at a link-local address', () => {
  let world: World
  before(async () => (world = await openWorld()))
  after(() => world.close())

  it('is not connected to, and its task says which member of the service would allow it', async () => {
    // The services file would refuse this URL. A name that leads there comes as far.
    const retry = { attempts: 2, backoff: 1, maxBackoff: 1 }
    const node = await world.node({ services: { svc: { url: 'http://169.254.169.254:9/{action}', retry } } })
    const location = await post(node.url, 'ok')
    const { error } = await ended(node.url, location)
    expect(error?.code).to.equal('service_unavailable')
    expect(error?.detail).to.match(/could not be reached: .*link-local.*`allowLinkLocal: true`/)
    const tries = (await (await fetch(`${node.url}${location}/attempts`)).json()) as { outcome: string }[]
    expect(tries.map(({ outcome }) => outcome)).to.deep.equal(['address refused', 'address refused'])
  })
})
