// Many callers who wait, on nodes as they are started in life: how soon each hears, how many may wait, and what those leave who go.
import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { Fleet, senderOf } from '../../support/fleet.ts'
import type { NodeProcess } from '../../support/node.ts'
import { post, remove } from '../../support/world.ts'
import { ask } from './asks.ts'

/** How soon a caller hears of the end of a task, ms. */
const SOON = 500
/** The most who wait on a node. */
const MOST = 3_000

/** A caller on a connection of his own; `Date.now()` when he was answered, and the task. */
async function waits(url: string): Promise<{ at: number; task: Record<string, string> }> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  const task = JSON.parse(await text(response)) as Record<string, string>
  return { at: Date.now(), task }
}

/** Asks for a task again and again until `over`; the longest that an answer took, ms. It shows what the machine adds to each time. */
async function slowest(url: string, over: () => boolean): Promise<number> {
  let most = 0
  while (!over()) {
    const begun = performance.now()
    await waits(url)
    most = Math.max(most, performance.now() - begun)
  }
  return most
}

describe('callers who wait, on two nodes,', () => {
  let fleet: Fleet
  let nodes: NodeProcess[]
  before(async () => {
    fleet = await Fleet.open()
    const service = { concurrency: 900, timeout: '10m' }
    nodes = await Promise.all(['a', 'b'].map((name) => fleet.start(name, {}, service)))
  })
  after(() => fleet.close())
  const url = (i: number): string => nodes[i]?.url ?? ''

  it('each hear within 500 ms of the end, a thousand on each node while tasks end on both', async () => {
    const locations = await Promise.all(Array.from({ length: 1_000 }, (_, i) => post(url(i % 2), 'held')))
    await fleet.service.until((seen) => seen.length === locations.length)
    expect(new Set(fleet.service.requests.map(senderOf)).size).to.equal(2)
    const all = locations.flatMap((location) => [0, 1].map((i) => waits(`${url(i)}${location}?wait=60s&view=full`)))
    let answered = 0
    for (const one of all) void one.then(() => (answered += 1))
    const lag = Promise.all([0, 1].map((i) => slowest(`${url(i)}${locations[0]}`, () => answered === all.length)))
    const rounds: number[] = []
    for (let done = 0; done < locations.length; done += 100) {
      const ending = new Set(locations.slice(done, done + 100))
      fleet.service.letGo(200, '{}', ({ location }) => ending.has(location))
      await eventually(() => expect(answered).to.equal(2 * (done + 100)))
      const seen = await Promise.all(all.slice(2 * done, 2 * (done + 100)))
      rounds.push(Math.max(...seen.map(({ at, task }) => at - Date.parse(task['finishedAt'] ?? ''))))
    }
    // A busy machine adds to a time, in some rounds more than in others.
    expect(Math.min(...rounds)).to.be.below(SOON)
    expect(Math.max(...rounds)).to.be.below(SOON + Math.max(...(await lag)))
  })

  it('are three thousand on a node; one more is answered at once, and finds room when others have gone', async () => {
    const location = await post(url(0), 'held')
    const agent = new Agent({ maxSockets: Infinity })
    const requests = Array.from({ length: MOST }, () =>
      get(`${url(0)}${location}?wait=60s`, { agent }).on('error', () => undefined),
    )
    let answered = 0
    const answers = requests.map(async (request, i) => {
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      answered += 1
      return i < 100 ? '' : text(response)
    })
    for (const answer of answers) answer.catch(() => undefined)
    const took = async (): Promise<number> => {
      const begun = performance.now()
      expect((await waits(`${url(0)}${location}?wait=3s`)).task['status']).to.equal('running')
      return performance.now() - begun
    }
    await eventually(async () => expect(await took()).to.be.below(2_500))
    expect(answered).to.equal(0)
    // The other node has room, whoever waits here.
    const other = waits(`${url(1)}${location}?wait=60s`)
    for (const request of requests.splice(0, 100)) request.destroy()
    await eventually(async () => expect(await took()).to.be.at.least(2_990))
    fleet.service.letGo()
    for (const answer of await Promise.all(answers.slice(100))) expect(answer).to.contain('"complete"')
    expect((await other).task['status']).to.equal('complete')
    agent.destroy()
  })

  it('leave nothing behind when they go', async function () {
    if (process.platform !== 'linux') this.skip()
    const location = await post(url(0), 'held')
    const open = async (): Promise<number> => {
      const folder = `/proc/${nodes[0]?.pid}/fd`
      const links = (await readdir(folder)).map((file) => readlink(`${folder}/${file}`).catch(() => ''))
      return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length
    }
    const before = await open()
    const gone = ['?wait=60s', '/events'].flatMap((path) =>
      Array.from({ length: 200 }, () =>
        get(`${url(0)}${location}${path}`, { agent: false }).on('error', () => undefined),
      ),
    )
    await eventually(async () => expect(await open()).to.be.at.least(before + 400))
    for (const request of gone) request.destroy()
    await eventually(async () => expect(await open()).to.be.at.most(before + 10), 10_000)
    await remove(url(0), location)
  })

  it('are answered at once by a node that stops, as is who listens to events', async () => {
    const location = await post(url(1), 'held')
    await fleet.service.until((seen) => seen.some((one) => one.location === location))
    const all = Array.from({ length: 100 }, () => waits(`${url(0)}${location}?wait=60s`))
    const stream = ask('GET', `${url(0)}${location}/events`)
    const created = { service: 'svc', action: 'held' }
    const posted = ask('POST', `${url(0)}/tasks?wait=60s`, created)
    await fleet.service.until((seen) => seen.filter(({ endedAt }) => endedAt === undefined).length === 2)
    expect((await waits(`${url(0)}${location}?wait=1s`)).task['status']).to.equal('running')
    const stopped = Date.now()
    nodes[0]?.kill('SIGTERM')
    for (const { at, task } of await Promise.all(all)) {
      expect(task['status']).to.equal('running')
      expect(at - stopped).to.be.below(2_000)
    }
    expect((await stream).text)
      .to.match(/^event: task\n/)
      .and.not.to.match(/event: (ended|deleted)/)
    expect((await posted).status).to.equal(302)
    expect(Date.now() - stopped).to.be.below(2_000)
    fleet.service.letGo()
    expect(await nodes[0]?.exited).to.equal(0)
  })
})
