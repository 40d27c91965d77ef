// Whether time tells a key with `own` which ids are tasks of another: it asks for them and for deleted ones in turn.
import { Agent, request } from 'node:http'
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { medianOf, noticedShift, rankZ } from '../../support/ranks.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

/** Pairs of requests for each route. `TIMING_PAIRS=20000` makes the long run. */
const PAIRS = Number(process.env['TIMING_PAIRS'] ?? 200)
/** Standard deviations of ranks. Beyond that, chance would fail one run of this file in 200,000. */
const LIMIT = 5
/** Tasks of the other caller, and as many deleted ones. */
const TASKS = 100

const ROUTES: readonly (readonly [method: string, rest: string, body?: string])[] = [
  ['GET', ''],
  ['GET', '?view=full'],
  ['GET', '/attempts'],
  ['GET', '/explain'],
  ['GET', '/events'],
  ['PATCH', '', '{"delay":"1h"}'],
  ['POST', '/cancel'],
  ['POST', '/retry'],
  ['DELETE', ''],
]

describe('the time of an answer', function () {
  this.timeout(Math.max(180_000, PAIRS * 200))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let world: World
  let url: string
  const [theirs, deleted]: [string[], string[]] = [[], []]
  before(async () => {
    world = await openWorld()
    url = (await world.node({ keys: [aKey('ann', { own: true }), aKey('bob', { own: true })] })).url
    const tasks = Array.from({ length: 2 * TASKS }, () => ({ service: 'svc', action: 'ok', delay: '1d' }))
    const { json } = await ask('POST', `${url}/tasks/batch`, tasks, as('ann'))
    for (const [i, { location }] of (json as { location: string }[]).entries())
      (i % 2 === 0 ? theirs : deleted).push(location)
    for (const location of deleted) await ask('DELETE', url + location, undefined, as('ann'))
    await world.sql('vacuum analyze tasks')
  })
  after(async () => {
    agent.destroy()
    await world.close()
  })

  /** Asks as another caller; the microseconds until the end of the answer. */
  const timed = (method: string, path: string, body?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { ...as('bob'), ...(body !== undefined && { 'content-type': 'application/json' }) }
      const begun = process.hrtime.bigint()
      request(url + path, { method, agent, headers }, (answer) => {
        expect(answer.statusCode).to.equal(404)
        answer.resume().on('end', () => resolve(Number(process.hrtime.bigint() - begun) / 1_000))
      })
        .on('error', reject)
        .end(body)
    })
  const one = (of: readonly string[]): string => of[Math.floor(Math.random() * of.length)] ?? ''

  for (const [method, rest, body] of ROUTES)
    it(`does not tell another's task from none by ${method} …${rest}`, async () => {
      const [there, absent]: [number[], number[]] = [[], []]
      const kinds = [() => timed(method, one(theirs) + rest, body).then((us) => there.push(us)), () => timed(method, one(deleted) + rest, body).then((us) => absent.push(us))] // prettier-ignore
      for (let i = 0; i < PAIRS; i += 1)
        for (const kind of Math.random() < 0.5 ? kinds : kinds.toReversed()) await kind()
      const [z, [median, other]] = [rankZ(there, absent), [there, absent].map(medianOf)]
      if (process.env['TIMING_PAIRS'] !== undefined) {
        const shift = noticedShift([...there, ...absent], PAIRS, LIMIT).toFixed()
        console.log(`        ${PAIRS} pairs, medians ${median?.toFixed()} and ${other?.toFixed()} µs, z ${z.toFixed(1)}; ${shift} µs would show in 95 %`) // prettier-ignore
      }
      expect(Math.abs(z), `medians ${median} and ${other} µs`).to.be.below(LIMIT)
    })
})
