// What a node without tasks asks of Postgres and Redis, in each state of theirs. One that spins asks for hundreds a second.
import { expect } from 'chai'
import { TIMINGS, type Timings } from '../../src/core/timings.ts'
import { Link } from '../chaos/link.ts'
import { eventually } from '../support/eventually.ts'
import { Tally } from '../support/tally.ts'
import { together } from '../support/together.ts'
import { openWorld, type World } from '../support/world.ts'

/** Of each kind, by the second: several times of what a healthy node needs. */
const MOST = 15
/** A pop, of 2 s, that begins beside a claim asks the list of each service whose slots that claim had kept. */
const POP = 2

interface Setting {
  readonly world: World
  readonly postgres: Link
  readonly redis: Link
}

interface State {
  /** What `/readyz` says once the state is reached. */
  readonly says: 'ready' | 'degraded' | 'unavailable'
  /** The events that the count waits for. */
  readonly until: readonly ['beats' | 'connections', number]
  readonly redis?: false
  readonly timings?: Partial<Timings>
  enter?(setting: Setting): unknown
}

const READY = { says: 'ready', until: ['beats', 3] } as const
const slow = (link: Link, delay: number): void => {
  link.delay = delay
  link.set('slow')
}

const STATES: Readonly<Record<string, State>> = {
  'Redis is up': READY,
  'there is no Redis': { ...READY, redis: false },
  'Redis is slow': { ...READY, enter: ({ redis }) => slow(redis, 200) },
  'Redis is slower than the time limit': { ...READY, says: 'degraded', enter: ({ redis }) => slow(redis, 600) },
  'Redis refuses connections': { ...READY, says: 'degraded', enter: ({ redis }) => redis.set('cut') },
  'Redis is silent': { ...READY, says: 'degraded', enter: ({ redis }) => redis.set('halfOpen') },
  'Postgres is slow': { ...READY, enter: ({ postgres }) => slow(postgres, 300) },
  'Postgres refuses connections': {
    says: 'unavailable',
    until: ['connections', 12],
    enter: ({ postgres }) => postgres.set('cut'),
  },
  'Postgres is silent': {
    says: 'unavailable',
    until: ['connections', 5],
    enter: ({ postgres }) => postgres.set('halfOpen'),
  },
  'its trust is paused': {
    says: 'ready',
    until: ['beats', 1],
    timings: { beat: 500, trust: 1_500, lease: 2_000 },
    enter: async ({ world }) => {
      // Held to the end of the world, whose connection this is.
      await world.sql('begin')
      await world.sql('select from nodes for update')
      await eventually(async () =>
        expect(await world.sql('select from nodes where lease_until < clock_timestamp()')).to.have.length(1),
      )
    },
  },
}

async function measured(services: number, state: State): Promise<Tally['rates']> {
  const world = await openWorld()
  const port = (url: string): number => Number(new URL(url).port)
  const [postgres, redis] = await Promise.all([world.databaseUrl, world.redisUrl].map((url) => Link.to(port(url))))
  if (!postgres || !redis) throw new Error('no links')
  const through = (url: string, link: Link): string => Object.assign(new URL(url), { port: link.port }).href
  try {
    const tally = new Tally(postgres, redis)
    // Those of one slot have no room while it is kept for a claim.
    const names = Array.from({ length: services }, (_, i) => [`svc-${i}`, { concurrency: i % 2 === 0 ? 100 : 1 }])
    const node = await world.node({
      databaseUrl: through(world.databaseUrl, postgres),
      ...(state.redis === false ? { redis: false } : { redisUrl: through(world.redisUrl, redis) }),
      timings: { ...TIMINGS, ...state.timings, linger: 0 },
      drainTimeout: 0,
      services: Object.fromEntries(names),
    })
    await state.enter?.({ world, postgres, redis })
    await eventually(async () => {
      const answer = (await (await fetch(`${node.url}/readyz`)).json()) as { status: string }
      expect(answer.status).to.equal(state.says)
    }, 60_000)
    const [kind, count] = state.until
    tally.reset()
    await tally.reaches(kind, 1)
    tally.reset()
    await tally.reaches(kind, count)
    const { rates } = tally
    postgres.set('open')
    redis.set('open')
    await world.sql('rollback')
    return rates
  } finally {
    await world.close()
    await Promise.all([postgres.close(), redis.close()])
  }
}

for (const services of [1, 100])
  describe(`a node with nothing to do, of ${services === 1 ? 'one service' : `${services} services`},`, () => {
    const cases = Object.entries(STATES).map(([name, state]) => [
      `asks for little while ${name}`,
      async () => {
        const rates = await measured(services, state)
        expect(rates.statements, 'statements').to.be.below(MOST)
        expect(rates.commands, 'commands').to.be.below(MOST + services / POP)
        expect(rates.connections, 'connections').to.be.below(MOST)
      },
    ])
    together(Object.fromEntries(cases) as Record<string, () => Promise<void>>, 60_000)
  })
