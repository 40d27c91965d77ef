// The events of a task as a browser hears them: as they come, over the changes of another node, and until the end.
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { eventually } from '../../support/eventually.ts'
import { openWorld, post, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

interface Event {
  readonly name: string
  readonly id: string
  // oxlint-disable-next-line no-explicit-any
  readonly data: any
}

/** A stream that is open: what has come so far. */
class Stream {
  readonly events: Event[] = []
  /** `performance.now()` of each comment. */
  readonly comments: number[] = []
  readonly opened = performance.now()
  readonly ended: Promise<void>
  readonly #gone = new AbortController()

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.ended = this.#read(url, headers)
    this.ended.catch(() => undefined)
  }

  get names(): string[] {
    return this.events.map(({ name }) => name)
  }

  leave(): void {
    this.#gone.abort()
  }

  async #read(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const { body } = await fetch(url, { headers, signal: this.#gone.signal })
    let text = ''
    for await (const chunk of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) this.#take(block)
    }
    expect(text).to.equal('')
  }

  #take(block: string): void {
    if (block.startsWith(':')) return void this.comments.push(performance.now())
    const [, name = '', id = '', data = ''] = /^event: (\w+)\nid: (\S+)\n((?:data: .*\n?)+)$/.exec(block) ?? []
    this.events.push({ name, id, data: JSON.parse(data.replaceAll(/^data: /gm, '')) })
  }
}

describe('the events of a task', () => {
  let world: World
  let urls: string[]
  let quiet: Stream
  let early: string
  before(async () => {
    world = await openWorld()
    const setup = { timings: { ...TIMINGS, linger: 0 }, services: { svc: { timeout: 600_000 } } }
    urls = [(await world.node(setup)).url, (await world.node(setup)).url]
    early = (await ask('POST', `${urls[0]}/tasks`, { service: 'svc', action: 'ok', delay: '1h' })).location
    quiet = new Stream(`${urls[1]}${early}/events`)
  })
  after(() => world.close())
  const begun = (location: string): Promise<void> =>
    world.service.until((seen) => seen.some((one) => one.location === location))
  const later = async (): Promise<string> =>
    (await ask('POST', `${urls[0]}/tasks`, { service: 'svc', action: 'heldstep', delay: '1h' })).location

  it('tell of each change, once, whichever node makes it', async () => {
    const location = await later()
    const stream = new Stream(`${urls[1]}${location}/events`)
    const comes = (count: number, of = stream): Promise<unknown> =>
      eventually(() => expect(of.events).to.have.length.at.least(count), 10_000)
    await comes(1)
    expect(stream.events[0]?.data).to.include({ status: 'pending', priority: 'normal', location })
    await ask('PATCH', `${urls[0]}${location}`, { priority: 'high' })
    await comes(2)
    expect(stream.events[1]?.data).to.include({ status: 'pending', priority: 'high' })
    await ask('PATCH', `${urls[0]}${location}`, { delay: '0' })
    await world.service.until((seen) => seen.some((one) => one.location === location && one.step === 1))
    await eventually(() => expect(stream.events.at(-1)?.data).to.deep.include({ step: 1, state: { at: 1 } }))
    const retried = stream.events.length
    // A write that changes nothing that is shown, and after it one that is asked for together with it.
    await world.sql('update tasks set crashes = crashes where id = $1', [location.slice(7)])
    const other = await later()
    const beside = new Stream(`${urls[1]}${other}/events`)
    await comes(1, beside)
    await ask('PATCH', `${urls[0]}${other}`, { priority: 'low' })
    await comes(2, beside)
    beside.leave()
    world.service.letGo()
    await stream.ended
    expect(stream.names.slice(retried)).to.deep.equal(['task', 'ended'])
    expect(stream.events.at(-2)?.data).to.deep.include({ status: 'complete', result: { held: true } })
    expect(stream.events.at(-1)?.data).to.deep.equal({ location, status: 'complete' })
    const views = stream.events.slice(0, -1).map(({ data }) => JSON.stringify(data))
    expect(new Set(views).size).to.equal(views.length)
  })

  it('tell of a cancel and a delete of another node', async () => {
    const [kept, gone] = [await later(), await later()]
    const streams = [kept, gone].map((location) => new Stream(`${urls[1]}${location}/events`))
    for (const { events } of streams) await eventually(() => expect(events).to.have.length(1))
    await ask('POST', `${urls[0]}${kept}/cancel`)
    await remove(urls[0] ?? '', gone)
    for (const { ended } of streams) await ended
    expect(streams.map(({ names }) => names)).to.deep.equal([
      ['task', 'task', 'ended'],
      ['task', 'deleted'],
    ])
    expect(streams[0]?.events.at(-1)?.data).to.deep.equal({ location: kept, status: 'failed' })
    expect(streams[1]?.events.at(-1)?.data).to.deep.equal({ location: gone })
  })

  it('begin with the task as it is for who comes back before the end, and with nothing after it', async () => {
    const location = await post(urls[0] ?? '', 'held')
    await begun(location)
    const first = new Stream(`${urls[0]}${location}/events`)
    await eventually(() => expect(first.events).to.have.length(1))
    first.leave()
    const id = first.events[0]?.id ?? ''
    const second = new Stream(`${urls[1]}${location}/events`, { 'last-event-id': id })
    await eventually(() => expect(second.names).to.deep.equal(['task']))
    world.service.letGo()
    await second.ended
    expect(second.names).to.deep.equal(['task', 'task', 'ended'])
    const back = (url = '', last?: string): Promise<Told> =>
      ask('GET', `${url}${location}/events`, undefined, last === undefined ? {} : { 'last-event-id': last })
    for (const url of urls) {
      const { status, text } = await back(url, second.events.at(-1)?.id)
      expect([status, text]).to.deep.equal([204, ''])
    }
    expect((await back(urls[0])).text.match(/^event: .*$/gm)).to.deep.equal(['event: task', 'event: ended'])
    await remove(urls[0] ?? '', location)
    expect((await back(urls[1], id)).status).to.equal(404)
  })

  it('have their head alone for HEAD, at once', async () => {
    const { status, headers, text } = await ask('HEAD', `${urls[0]}${early}/events`)
    expect([status, headers.get('content-type'), text]).to.deep.equal([200, 'text/event-stream', ''])
    expect((await ask('HEAD', `${urls[0]}/tasks/999999/events`)).status).to.equal(404)
    expect((await ask('GET', `${urls[0]}${early}/events?view=full`)).status).to.equal(400)
  })

  it('show every 15 s that they go on', async () => {
    await eventually(() => expect(quiet.comments).to.have.length(2), 60_000)
    const [first = 0, second = 0] = quiet.comments
    // What a busy machine adds to the one it may take from the other.
    expect(second - quiet.opened).to.be.within(29_990, 33_000)
    expect(first - quiet.opened).to.be.within(14_990, 18_000)
    expect(quiet.names).to.deep.equal(['task'])
    quiet.leave()
  })
})
