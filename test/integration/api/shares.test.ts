// Waits of several keys on one node: none of them can take the room of all.
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { aKey, as } from '../../support/keys.ts'
import { aTask, type Opened, openApi } from './support.ts'

/** The most waits of one key. */
const SHARE = 1_500

describe('callers with keys who wait', () => {
  let open: Opened
  const agent = new Agent({ maxSockets: Infinity })
  before(async () => {
    open = await openApi()
    open.backstage.callers.set('ann', aKey('ann')).set('bob', aKey('bob'))
    open.backstage.tasks.set('1', aTask())
  })
  after(() => {
    agent.destroy()
    return open.api.stop()
  })

  const wait = async (name: string, path: string): Promise<string> => {
    const request = get(`${open.url}/tasks/1${path}`, { agent, headers: as(name) })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return text(response)
  }
  const took = async (name: string): Promise<number> => {
    const begun = performance.now()
    expect(await wait(name, '?wait=3s')).to.contain('"pending"')
    return performance.now() - begun
  }

  it('take half of the room at most; the next of that key is answered at once, and others wait', async () => {
    const first = Promise.all(Array.from({ length: SHARE }, () => wait('ann', '?wait=60s')))
    await eventually(async () => expect(await took('ann')).to.be.below(1_500))
    // A stream for which there is no room ends after its first event.
    expect((await wait('ann', '/events')).match(/^event: .*/gm)).to.deep.equal(['event: task'])
    const others = [wait('bob', '?wait=60s'), wait('bob', '/events')]
    expect(await took('bob')).to.be.at.least(2_990)
    open.backstage.tasks.set('1', aTask({ status: 'complete', finishedAt: '2026-01-02T03:04:05.678Z' }))
    for (const answer of [...(await first), ...(await Promise.all(others))]) expect(answer).to.contain('"complete"')
    // Who has his answer leaves room.
    open.backstage.tasks.set('1', aTask())
    expect(await took('ann')).to.be.at.least(2_990)
  })
})
