// Tasks that nobody thought of, from a seed: each is taken if and only if the oracle says that it is a task.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { Conversation } from './conversation.ts'
import { expectProblem, type Ground } from './ground.ts'
import { bytes, post, shown } from './http.ts'
import { taskIn } from './oracle.ts'
import { PATIENCE } from './tally.ts'
import { body, edited } from './texts.ts'

const SEED = Number(process.env['HOSTILE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** How many of each kind. */
const TASKS = 600
const EDITED = 1_200
const WHOLE = 400
/** Connections that are open at once. */
const WIDTH = 128

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { seed: SEED, numRuns: count })

/** Declares the tests. Their names say the seed that makes them again: HOSTILE_SEED. */
export function arbitrary(ground: Ground): void {
  const judge = async (bodies: readonly Buffer[]): Promise<void> => {
    const preferred = ['Prefer: return=representation']
    await ground.judgeAll(
      bodies.map((bytes, i) => ({ sent: post(bytes, i % 2 ? preferred : []), task: taskIn(bytes) })),
    )
  }

  it(`takes ${TASKS} tasks of odd JSON if they are tasks (seed ${SEED})`, async () => {
    await judge(sample(body, TASKS).map((text) => Buffer.from(text)))
    expect(await ground.verify(), 'tasks').to.be.above(TASKS / 3)
  })

  it(`takes ${EDITED} bodies with wrong bytes in them if they are tasks (seed ${SEED})`, async () => {
    const bodies = sample(edited(body.map((text) => Buffer.from(text))), EDITED)
    await judge(bodies)
    expect(await ground.verify(), 'tasks').to.be.above(EDITED / 20)
  })

  it(`survives ${WHOLE} requests with wrong bytes in them (seed ${SEED})`, async () => {
    const requests = sample(edited(body.map((text) => post(Buffer.from(text), ['Connection: close']))), WHOLE)
    let next = 0
    const lane = async (): Promise<void> => {
      for (let turn = next++; turn < requests.length; turn = next++) await brave(ground, requests[turn] ?? bytes(''))
    }
    await Promise.all(Array.from({ length: WIDTH }, lane))
    await ground.verify()
  })
}

/**
 * Sends a request whose framing may be broken; the milliseconds until its answer. It is answered at once, or it is not
 * whole, and then it is refused when its caller ends.
 */
async function brave(ground: Ground, sent: Buffer): Promise<number> {
  const conversation = await Conversation.open(ground.port)
  let begun = performance.now()
  conversation.send(sent)
  const whole = await conversation.answered(1, PATIENCE)
  if (!whole) begun = performance.now()
  conversation.end()
  expect(await conversation.closed(), `closed: ${shown(sent)}`).to.equal(true)
  const took = performance.now() - begun
  const { answers } = conversation
  // Empty lines in front of a request count for nothing (RFC 9112, 2.2): with nothing behind them there is no request.
  const nothing = /^[\r\n]*$/.test(sent.toString('latin1'))
  expect(answers.length, `answers to ${shown(sent)}`).to.be.at.least(nothing ? 0 : 1)
  for (const answer of answers) {
    ground.tally.count(sent, answer, took, () => brave(ground, sent))
    if (answer.status === 302 || answer.status === 201)
      take(ground, sent, answer.body, answer.headers.get('location') ?? '')
    else expectProblem(answer, sent)
  }
  return took
}

/** A task out of a request that was changed: whatever it is now, its payload is a piece of what was sent. */
function take(ground: Ground, sent: Buffer, body: Buffer, location: string): void {
  const task = taskIn(
    Buffer.from(
      body
        .toString('latin1')
        .replace(/^\{"location":"[^"]*",/, '{')
        .replace(/,"status":"pending"\}$/, '}'),
      'latin1',
    ),
  )
  if (!task) throw new Error(`no task in ${body.toString()}`)
  expect(
    sent.includes(task.payload) || task.payload.toString() === '{}',
    `a payload of what was sent: ${shown(sent)}`,
  ).to.equal(true)
  ground.taken.set(location, task)
}
