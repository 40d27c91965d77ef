// Keys of POSTs on real nodes: however many, and whichever node dies while it creates, there is one task for each.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { ask, type Told } from '../integration/callers/asks.ts'
import { Fleet } from '../support/fleet.ts'

const INSIDE = new URL('../chaos/inside/inside.js', import.meta.url).href
/** Five rounds of all that is under way; `KEYS=N` makes a longer run. `npm run test:chaos -- --rows keys` has 10,000, and faults besides. */
const KEYS = Number(process.env['KEYS'] ?? 160)
/** POSTs that one caller has under way. */
const WIDTH = 32

const send = (url: string, key: string, body: unknown, path = '/tasks'): Promise<Told> =>
  ask('POST', `${url}${path}`, body, { 'idempotency-key': key })
const isReplayed = ({ headers }: Told): boolean => headers.get('idempotency-replayed') === 'true'
const tasksOf = (fleet: Fleet): Promise<{ location: string; key: string }[]> =>
  fleet.sql(
    `select '/tasks/' || id as location, payload ->> 'key' as key from tasks where payload ->> 'key' is not null`,
  )

/** Runs `one` for each, so many at once. */
async function inLanes<T>(all: readonly T[], one: (item: T) => Promise<void>): Promise<void> {
  const left = all.values()
  const lane = async (): Promise<void> => {
    for (const item of left) await one(item)
  }
  await Promise.all(Array.from({ length: WIDTH }, lane))
}

describe('keys of POSTs', () => {
  for (const point of ['create sent', 'create applied'])
    it(`of a node that is killed when it has passed "${point}" are taken up by another`, () =>
      Fleet.during(async (fleet) => {
        const doomed = await fleet.start('a', { NODE_OPTIONS: `--import ${INSIDE}`, CHAOS_DIE: `${point}:30` })
        const other = await fleet.start('b')
        const keys = Array.from({ length: 100 }, () => randomUUID())
        const told = new Map<string, string>()
        let broken = 0
        await inLanes(keys, async (key) => {
          const body = { service: 'svc', action: 'ok', payload: { key }, callback: { service: 'svc', action: 'ok' } }
          const first = await send(doomed.url, key, body).catch(() => undefined)
          if (!first) broken += 1
          const second = await send(other.url, key, body)
          expect([first?.status ?? 302, second.status]).to.deep.equal([302, 302])
          if (first) expect(second.location).to.equal(first.location)
          told.set(key, second.location)
        })
        expect(await doomed.exited).to.equal('SIGKILL')
        expect(broken).to.be.within(1, keys.length - 1)
        const tasks = await tasksOf(fleet)
        expect(tasks).to.have.length(keys.length)
        for (const { key, location } of tasks) expect(told.get(key)).to.equal(location)
      }))

  it(`make one task each, ${KEYS} of them over two nodes, and nobody is told of another's`, () =>
    Fleet.during(async (fleet) => {
      const nodes = [await fleet.start('a'), await fleet.start('b')]
      const told = new Map<string, string>()
      let [first, later] = [0, 0]
      await inLanes(
        Array.from({ length: KEYS }, () => randomUUID()),
        async (key) => {
          const body = { service: 'svc', action: 'ok', payload: { key } }
          const both = await Promise.all(nodes.map(({ url }) => send(url, key, body)))
          for (const { status, location, json } of both) {
            expect([status, json.payload]).to.deep.equal([302, { key }])
            expect(location).to.equal(both[0]?.location)
          }
          const marked = both.filter(isReplayed).length
          later += marked
          first += both.length - marked
          told.set(key, both[0]?.location ?? '')
        },
      )
      expect([first, later]).to.deep.equal([KEYS, KEYS])
      expect(new Set(told.values())).to.have.property('size', KEYS)
      const tasks = await tasksOf(fleet)
      expect(tasks).to.have.length(KEYS)
      for (const { key, location } of tasks) expect(told.get(key)).to.equal(location)
    })).timeout(600_000)
})
