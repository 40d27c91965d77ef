// What the main thread of a node under test has: shorter times, points at which it kills itself, and its vitals when asked.
import { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import { TIMINGS } from '../../../src/core/timings.ts'
import { Pops } from '../../../src/queue/pops.ts'
import { RedisQueue } from '../../../src/queue/redis.ts'
import { Supervisor } from '../../../src/supervisor/supervisor.ts'
import { type Point, STATEMENTS } from '../points.ts'
import { isDoomed, pass } from './death.ts'

const { CHAOS_NAME, CHAOS_TIMES = '1', CHAOS_MEMORY } = process.env

/** The times that a run may shorten. */
const SCALED = ['lease', 'beat', 'trust', 'pass', 'takeoverDelay', 'grace', 'forgotten', 'silence'] as const

for (const name of SCALED) Object.assign(TIMINGS, { [name]: TIMINGS[name] / Number(CHAOS_TIMES) })
if (CHAOS_NAME !== undefined) os.hostname = () => CHAOS_NAME
// A machine with little memory, in bytes: a thread that fills it does so in a moment.
if (CHAOS_MEMORY !== undefined) os.totalmem = () => Number(CHAOS_MEMORY)
syncBuiltinESMExports()
goBothWays()
if (isDoomed) {
  patchQueue()
  patchPostgres()
}
process.on('SIGUSR2', tellVitals)

/** Of the tasks that a node could take directly every other one goes by the lists: both ways are under test. */
function goBothWays(): void {
  const real = verbOf(Supervisor.prototype, 'reserve')
  let turn = 0
  Object.assign(Supervisor.prototype, {
    reserve(this: unknown, ...given: unknown[]): unknown {
      turn += 1
      return turn % 2 === 0 ? real.apply(this, given) : undefined
    },
  })
}

function patchQueue(): void {
  after(Pops.prototype, 'pop', 'after pop')
  after(Pops.prototype, 'take', 'after pop')
  before(RedisQueue.prototype, 'push', 'before push')
}

type Verb = (...given: unknown[]) => unknown

function before(on: object, verb: string, at: Point): void {
  const real = verbOf(on, verb)
  Object.assign(on, {
    [verb](this: unknown, ...given: unknown[]): unknown {
      pass(at)
      return real.apply(this, given)
    },
  })
}

function after(on: object, verb: string, at: Point): void {
  const real = verbOf(on, verb)
  Object.assign(on, {
    async [verb](this: unknown, ...given: unknown[]): Promise<unknown> {
      const popped = (await real.apply(this, given)) as unknown[]
      if (popped.length > 0) pass(at)
      return popped
    },
  })
}

function verbOf(on: object, verb: string): Verb {
  const real: unknown = Reflect.get(on, verb)
  if (typeof real !== 'function') throw new Error(`there is no ${verb} to watch any more`)
  return real as Verb
}

/** Watches the statements of the store on their way out, and their answers on their way in. */
function patchPostgres(): void {
  const real = verbOf(pg.Client.prototype, 'query')
  Object.assign(pg.Client.prototype, {
    query(this: unknown, ...given: unknown[]): unknown {
      const answer = real.apply(this, given)
      const { text = '' } = (given[0] ?? {}) as { text?: string }
      const kind = Object.entries(STATEMENTS).find(([, mark]) => text.includes(mark))?.[0]
      if (kind === undefined || !(answer instanceof Promise)) return answer
      // pg corks what it writes until the next tick; by then the kernel has it.
      setImmediate(() => pass(`${kind} sent` as Point))
      return answer.then((result: unknown) => {
        pass(`${kind} applied` as Point)
        return result
      })
    },
  })
}

/** Prints a line of the log with the heap after a collection, and the open file descriptors. */
function tellVitals(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  const fds = readdirSync('/proc/self/fd').length
  process.stdout.write(`${JSON.stringify({ level: 30, msg: 'vitals', heap: heapUsed + external, rss, fds })}\n`)
}
