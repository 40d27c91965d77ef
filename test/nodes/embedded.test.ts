// A node with no configuration at all: its own Postgres, its own queue, and the demo service.
import { expect } from 'chai'
import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
import { NodeProcess } from '../support/node.ts'
import { runs, serverOf } from '../support/postgres-files.ts'
import { together } from '../support/together.ts'
import { ended, post, show } from '../support/world.ts'

/** A task in flight is asked again, and ends, this long after a start, ms. The demo takes one second of it. */
const GOES_ON = 4_000

/** A data folder, and the nodes on it. */
class Place {
  readonly dataDir: string
  readonly #nodes: NodeProcess[] = []

  constructor(dataDir: string) {
    this.dataDir = dataDir
  }

  /** Makes a place for one case, and leaves nothing of it behind. */
  static async during(run: (place: Place) => Promise<void>): Promise<void> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'task_api-data-')))
    try {
      await run(place)
    } finally {
      await place.#close()
    }
  }

  async spawn(): Promise<NodeProcess> {
    const node = await NodeProcess.spawn({ DATA_DIR: this.dataDir, DRAIN_TIMEOUT: '100ms' })
    this.#nodes.push(node)
    return node
  }

  async start(): Promise<NodeProcess> {
    const node = await this.spawn()
    await node.logged('listening')
    return node
  }

  /** The pid of its Postgres, dead or alive. */
  postmaster(): Promise<number> {
    return serverOf(this.dataDir)
  }

  /** The programs that run there: Postgres runs in its data. Empty where there is no /proc. */
  async programs(): Promise<string[]> {
    const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
    const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
    return pids.filter((_pid, i) => places[i]?.startsWith(this.dataDir))
  }

  async #close(): Promise<void> {
    for (const node of this.#nodes) await node.dispose()
    const pid = await this.postmaster().catch(() => undefined)
    if (pid !== undefined && runs(pid)) process.kill(pid, 'SIGINT')
    await eventually(async () => expect(await this.programs()).to.deep.equal([]), 60_000)
    await rm(this.dataDir, { recursive: true, force: true })
  }
}

const demo = (node: NodeProcess, action: string, payload: string): Promise<string> =>
  post(node.url, action, payload, 'demo')

const stoppedAndStarted = (): Promise<void> =>
  Place.during(async (place) => {
    const first = await place.start()
    await eventually(() => expect(first.stderr).to.include('curl'))
    const done = await demo(first, 'count', '{"to":5}')
    expect(await ended(first.url, done)).to.deep.include({ status: 'complete', step: 4, result: { from: 5, to: 5 } })
    const failed = await demo(first, 'fail', '{}')
    expect((await ended(first.url, failed)).error).to.include({ code: 'service_error', status: 500 })
    const slow = await demo(first, 'slow', '{"seconds":1}')
    await eventually(async () => expect((await show(first.url, slow))?.status).to.equal('running'))
    const pid = await place.postmaster()
    expect(runs(pid)).to.equal(true)

    first.kill('SIGTERM')
    expect(await first.exited).to.equal(0)
    expect(runs(pid), 'the postmaster').to.equal(false)
    expect(await place.programs()).to.deep.equal([])

    const second = await place.start()
    const started = performance.now()
    expect((await ended(second.url, slow)).status).to.equal('complete')
    expect(performance.now() - started).to.be.below(GOES_ON)
    expect((await show(second.url, done))?.status).to.equal('complete')
    expect((await show(second.url, failed))?.status).to.equal('failed')
  })

const killedAndStarted = (): Promise<void> =>
  Place.during(async (place) => {
    const first = await place.start()
    const slow = await demo(first, 'slow', '{"seconds":1}')
    await eventually(async () => expect((await show(first.url, slow))?.attempt).to.equal(1))
    const pid = await place.postmaster()
    first.kill('SIGKILL')
    await first.exited
    expect(runs(pid), 'the postmaster').to.equal(true)

    const second = await place.start()
    const started = performance.now()
    await second.logged('the Postgres of a node that was killed is taken over')
    expect(await place.postmaster()).to.equal(pid)
    const task = await ended(second.url, slow)
    expect(task).to.include({ status: 'complete', attempt: 2 })
    expect(performance.now() - started).to.be.below(GOES_ON)
    second.kill('SIGTERM')
    expect(await second.exited).to.equal(0)
    expect(runs(pid), 'the postmaster').to.equal(false)
  })

const besideAnother = (): Promise<void> =>
  Place.during(async (place) => {
    const first = await place.start()
    const second = await place.spawn()
    expect(await second.exited).to.equal(1)
    expect(second.stderr).to.include(`${place.dataDir} is in use by another task_api (process ${first.pid})`)
    const task = await demo(first, 'echo', '{"still":"here"}')
    expect((await ended(first.url, task)).result).to.deep.equal({ still: 'here' })
  })

const hungUp = (): Promise<void> =>
  Place.during(async (place) => {
    const node = await place.start()
    const pid = await place.postmaster()
    node.kill('SIGHUP')
    expect(await node.exited).to.equal(0)
    expect(runs(pid), 'the postmaster').to.equal(false)
    expect(await place.programs()).to.deep.equal([])
  })

/** What shows in the data folder how far the first start is. */
const STAGES: Readonly<Record<string, (place: Place) => Promise<boolean>>> = {
  'initdb runs': async ({ dataDir }) => (await readdir(dataDir)).some((name) => name.startsWith('postgres.new-')),
  'Postgres starts': (place) => place.postmaster().then(Boolean, () => false),
  'Postgres is ready': async ({ dataDir }) =>
    (await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')).includes('ready'),
}

const stoppedWhen = (reached: (place: Place) => Promise<boolean>) => (): Promise<void> =>
  Place.during(async (place) => {
    const node = await place.spawn()
    await eventually(async () => expect(await reached(place)).to.equal(true), 60_000)
    node.kill('SIGTERM')
    expect([await node.exited, node.stderr]).to.deep.equal([0, ''])
    expect(node.lines.map(({ msg }) => msg)).to.deep.equal(['stopping', 'stopped'])
    expect(await place.programs()).to.deep.equal([])
  })

describe('a node that is told nothing', () => {
  together(
    {
      'runs tasks, leaves nothing behind at SIGTERM, and goes on where it was when it starts again': stoppedAndStarted,
      'takes over the Postgres of a node that was killed, and its tasks at once': killedAndStarted,
      'does not start beside another on the same data, and leaves that one unharmed': besideAnother,
      'leaves nothing behind at SIGHUP': hungUp,
    },
    40_000,
  )
  together(
    Object.fromEntries(
      Object.entries(STAGES).map(([stage, reached]) => [
        `exits with 0 and says only that, when it is stopped while ${stage}`,
        stoppedWhen(reached),
      ]),
    ),
    40_000,
  )
})
