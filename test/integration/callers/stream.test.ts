// The stream of events of a task, as a caller hears it.
import { expect } from 'chai'
import { openWorld, post, remove, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

describe('the events of a task', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
  })
  after(() => world.close())

  /** The events of a stream that has ended: name and data. */
  const parsed = (text: string): { name: string; id: string; data: Record<string, unknown> }[] =>
    text
      .split('\n\n')
      .filter((block) => block.startsWith('event:'))
      .map((block) => ({
        name: /^event: (.*)$/m.exec(block)?.[1] ?? '',
        id: /^id: (.*)$/m.exec(block)?.[1] ?? '',
        data: JSON.parse([...block.matchAll(/^data: (.*)$/gm)].map(([, line]) => line).join('\n')),
      }))

  /** Listens to the events of a task; resolves when the first has come. */
  async function listen(location: string) {
    const { status, headers, body } = await fetch(`${url}${location}/events`)
    const chunks = body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = (await chunks?.read())?.value ?? ''
    /** All that the stream tells until it ends. */
    const whole = async (): Promise<string> => {
      for (let next; (next = await chunks?.read()) && !next.done;) text += next.value
      return text
    }
    return { status, type: headers.get('content-type'), whole }
  }

  it('tell it now, whenever it has changed, and that it has ended; who comes back then is told to stop', async () => {
    const location = await post(url, 'heldstep', '{\n"first":\r\n true}')
    await world.service.until((seen) => seen.some((one) => one.location === location && one.step === 1))
    const stream = await listen(location)
    world.service.letGo()
    expect([stream.status, stream.type]).to.deep.equal([200, 'text/event-stream'])
    const events = parsed(await stream.whole())
    expect(events.map(({ name }) => name)).to.deep.equal(['task', 'task', 'ended'])
    expect(events.map(({ data }) => data.status)).to.deep.equal(['running', 'complete', 'complete'])
    expect(events[0]?.data).to.deep.include({ payload: { first: true }, step: 1 })
    const back = await ask('GET', `${url}${location}/events`, undefined, { 'last-event-id': events[2]?.id ?? '' })
    expect(back.status).to.equal(204)
  })

  it('tell that it was deleted', async () => {
    const location = await post(url, 'held')
    await world.service.until((seen) => seen.some((one) => one.location === location))
    const stream = await listen(location)
    await remove(url, location)
    expect(parsed(await stream.whole()).at(-1)).to.deep.include({ name: 'deleted', data: { location } })
    expect((await ask('GET', `${url}${location}/events`)).status).to.equal(404)
  })
})
