// The ground of a run: a real node in a process of its own, a mirror for its tasks, and a ledger of those that it took.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { hashOf } from '../../src/core/key.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'
import { engines } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { NodeProcess } from '../support/node.ts'
import { ServicesFile } from '../support/services-file.ts'
import { type Answer, plain, post, shown, taskBody } from './http.ts'
import { Lanes } from './lanes.ts'
import { Mirror, stepsOf } from './mirror.ts'
import type { Valid } from './oracle.ts'
import { Tally } from './tally.ts'

/** From here on a line of the log is an error. */
const ERROR = 50

interface Running {
  readonly database: TestDatabase
  readonly client: pg.Client
  readonly node: NodeProcess
  readonly file: ServicesFile
  /** Its requests have the key, where one is needed. */
  readonly lanes: Lanes
  /** Its requests are as they are. */
  readonly bare: Lanes
}

/** The token of the key that a node with keys knows. */
export const TOKEN = 'tk_hostile'
const KEYS = { key: { hash: `sha256:${hashOf(TOKEN)}`, scopes: ['submit', 'read', 'cancel', 'operate'] } }

/** Starts once, serves every chapter, and stops. */
export class Ground {
  readonly tally = new Tally()
  readonly mirror = new Mirror()
  /** Every task that was taken and is not deleted, by its location. */
  readonly taken = new Map<string, Valid>()
  readonly #checked = new Set<string>()
  /** Tasks that nobody was told of; each is named once. */
  readonly #strays = new Set<string>()
  readonly #keyed: boolean
  #running: Running | undefined

  /** `keyed`: the node asks for a key. */
  constructor({ keyed = false } = {}) {
    this.#keyed = keyed
  }

  async start(): Promise<void> {
    const [{ redisUrl }, database] = await Promise.all([engines(), createMigrated()])
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await this.mirror.start()
    const services = { svc: { url: this.mirror.url } }
    const file = await ServicesFile.create(services)
    if (this.#keyed) await file.write(JSON.stringify({ services, keys: KEYS }))
    const env = { DATABASE_URL: database.url, REDIS_URL: redisUrl, REDIS_PREFIX: `test:${randomUUID()}:` }
    const node = await NodeProcess.start({ ...env, TASK_API_CONFIG: file.path })
    const port = Number(new URL(node.url).port)
    const lanes = new Lanes(port, this.tally, this.#keyed ? `Authorization: Bearer ${TOKEN}\r\n` : '')
    this.#running = { database, client, node, file, lanes, bare: new Lanes(port, this.tally) }
    await this.#warmUp()
  }

  async stop(): Promise<void> {
    const { database, client, node, file, lanes, bare } = this.#parts
    lanes.close()
    bare.close()
    await node.dispose()
    await file[Symbol.asyncDispose]()
    await client.end()
    await this.mirror.stop()
    await database.drop()
  }

  get lanes(): Lanes {
    return this.#parts.lanes
  }

  get bare(): Lanes {
    return this.#parts.bare
  }

  get port(): number {
    return Number(new URL(this.#parts.node.url).port)
  }

  /** What the node has complained of: errors in its log, and whatever it said on stderr. */
  get complaints(): string[] {
    const { node } = this.#parts
    const errors = node.lines.filter(({ level }) => level >= ERROR).map((line) => JSON.stringify(line))
    return node.stderr === '' ? errors : [...errors, node.stderr]
  }

  /** Enters what an answer to a POST says in the ledger, and holds the answer against the task that was sent. */
  take(answer: Answer, task: Valid, sent: Buffer): void {
    const location = answer.headers.get('location') ?? ''
    expect(location, shown(sent)).to.match(/^\/tasks\/[1-9]\d*$/)
    expect(answer.body.toString('latin1'), shown(sent)).to.equal(taskText(location, task, '"pending"'))
    expect(this.taken.has(location), `${location} is new`).to.equal(false)
    this.taken.set(location, task)
  }

  /** Holds an answer to a POST against an oracle's word; `undefined`: no task, so nothing is created. */
  judge(answer: Answer, task: Valid | undefined, sent: Buffer): void {
    if (task) {
      expect(answer.status, `${shown(sent)} answered ${answer.body.toString()}`).to.be.oneOf([201, 302])
      this.take(answer, task, sent)
    } else {
      expect(answer.status, shown(sent)).to.be.oneOf([400, 413])
      expectProblem(answer, sent)
    }
  }

  /** Posts bodies, and holds each answer against its oracle's word. */
  async judgeAll(bodies: readonly { sent: Buffer; task: Valid | undefined }[]): Promise<void> {
    const answers = await this.lanes.askAll(bodies.map(({ sent }) => sent))
    for (const [i, { sent, task }] of bodies.entries()) {
      const answer = answers[i]
      if (answer) this.judge(answer, task, sent)
    }
  }

  /**
   * Waits until all tasks have ended, and holds those that are new against the ledger: they are what was created and
   * nothing else, and their bytes are the caller's at the service in every step, in `payload` and in `result`.
   */
  async verify(): Promise<number> {
    const rows = await eventually(async () => {
      const { rows } = await this.#parts.client.query<{ id: string; ended: boolean }>(
        "select id, status in ('complete', 'failed') as ended from tasks",
      )
      expect(rows.filter(({ ended }) => !ended).length, 'tasks that have not ended').to.equal(0)
      return rows
    }, 30_000)
    const strays = rows.map(({ id }) => `/tasks/${id}`).filter((location) => !this.taken.has(location))
    const unasked = strays.filter((location) => !this.#strays.has(location))
    for (const location of unasked) this.#strays.add(location)
    expect(unasked, 'created unasked').to.deep.equal([])
    const fresh = [...this.taken].filter(([location]) => !this.#checked.has(location))
    const answers = await this.lanes.askAll(fresh.map(([location]) => plain('GET', location)))
    for (const [i, [location, task]] of fresh.entries()) {
      this.#checked.add(location)
      const { action, payload } = task
      const shownBody = answers[i]?.body.toString('latin1')
      expect(shownBody, location).to.equal(taskText(location, task, '"complete"', payload))
      const seen = this.mirror.seen.get(location)?.map((body) => body.toString('latin1'))
      const wanted = stepsOf(action, payload).map((body) => body.toString('latin1'))
      expect(seen, `${location} at the service`).to.deep.equal(wanted)
    }
    expect(this.mirror.odd, 'odd requests to the service').to.deep.equal([])
    return fresh.length
  }

  /** A node that has just begun to listen still starts its threads: what is measured begins with its first task's end. */
  async #warmUp(): Promise<void> {
    const task = { action: 'loop', payload: Buffer.from('0') }
    const sent = post(taskBody(task.action, task.payload))
    this.judge(await this.lanes.ask(sent), task, sent)
    await this.verify()
  }

  get #parts(): Running {
    if (!this.#running) throw new Error('The ground is not there.')
    return this.#running
  }
}

/** Holds a refusal against the form of a problem. */
export function expectProblem({ status, headers, body }: Answer, sent: Buffer): void {
  expect(headers.get('content-type'), shown(sent)).to.equal('application/problem+json')
  expect(JSON.parse(body.toString()), shown(sent)).to.include({ status })
}

/** A task as the API shows it, one character for each byte. */
function taskText(location: string, { action, payload }: Valid, status: string, result?: Buffer): string {
  const end = result === undefined ? '' : `,"result":${result.toString('latin1')}`
  return `{"location":"${location}","service":"svc","action":"${action}","payload":${payload.toString('latin1')},"status":${status}${end}}`
}
