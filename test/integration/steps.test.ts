// Steps over HTTP: the loop of 206 answers, polling, Retry-After, and tries of one step.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { eventually } from '../support/eventually.ts'
import { together } from '../support/together.ts'
import { ended, openWorld, post, show, type World } from '../support/world.ts'

describe('the steps of a task', () => {
  let world: World
  let node: RunningNode
  const asked = { bumpy: 0 }
  const rows: { step: number; state: string }[] = []
  const dated: Record<string, number[]> = { date: [], zero: [] }

  before(async () => {
    world = await openWorld()
    const seen = await world.serve((request, response) => {
      const id = String(request.headers['task-location']).slice('/tasks/'.length)
      const look = world.sql<{ step: number; state: string }>('select step, state::text from tasks where id = $1', [id])
      void look.then((found) => {
        rows.push(...found)
        response.writeHead(rows.length < 4 ? 206 : 200).end(JSON.stringify(rows.length))
      })
    })
    const bumpy = await world.serve((request, response) => {
      asked.bumpy += 1
      const again = asked.bumpy % 3 !== 0
      response.writeHead(again ? 503 : Number(request.headers['task-step']) < 3 ? 206 : 200).end(`[${asked.bumpy}]`)
    })
    const calendar = await world.serve((request, response) => {
      const action = String(request.headers['task-action'])
      dated[action]?.push(performance.now())
      const asks = action === 'date' ? new Date(Date.now() + 2_000).toUTCString() : '0'
      const last = action === 'date' ? '1' : '5'
      response.writeHead(request.headers['task-step'] === last ? 200 : 206, { 'Retry-After': asks }).end('{}')
    })
    const retry = { attempts: 5, backoff: 40, maxBackoff: 60 }
    node = await world.node({
      services: {
        svc: { retry },
        few: { maxSteps: 3 },
        patient: { retry: { ...retry, backoff: 2_400, maxBackoff: 2_400 } },
        seen: { url: seen },
        bumpy: { url: bumpy, retry: { attempts: 3, backoff: 5, maxBackoff: 5 } },
        dated: { url: calendar },
      },
    })
  })
  after(() => world.close())

  /** The times between the requests of a task, ms. */
  const gaps = (location: string): number[] =>
    world.service
      .of(location)
      .map(({ at }, i, all) => at - (all[i - 1]?.at ?? at))
      .slice(1)
  const keys = (location: string): string[] => [...new Set(world.service.of(location).map(({ key }) => key))]

  const polls = (action: string) => async () => {
    const location = await post(node.url, action, '{"same": 1}')
    const task = await ended(node.url, location)
    const n = Number(action.slice(-1))
    expect(task).to.deep.include({ status: 'complete', step: n, result: { same: 1 } })
    const bodies = world.service.of(location).map(({ body }) => body.toString())
    expect(bodies).to.deep.equal(Array(n + 1).fill('{"same": 1}'))
    expect(keys(location)).to.have.length(n + 1)
    // The fifth poll waits for over a second: it parks, and must go on counting from there.
    gaps(location).forEach((gap, i) => expect(gap).to.be.within(100 * 2 ** i - 5, 100 * 2 ** i + 10_000))
  }

  const cases = {
    'take each body of a 206 as the payload of the next request, under a new key': async () => {
      const location = await post(node.url, 'steps.3', '{"start":true}')
      const task = await ended(node.url, location)
      expect(task).to.deep.include({ status: 'complete', step: 3, payload: { start: true }, state: { at: 3 } })
      expect(task.result).to.deep.equal({ at: 4 })
      const seen = world.service.of(location)
      const bodies = seen.map(({ body }) => body.toString())
      expect(bodies).to.deep.equal(['{"start":true}', '{"at":1}', '{"at":2}', '{"at":3}'])
      expect(seen.map(({ step, attempt }) => [step, attempt])).to.deep.equal([0, 1, 2, 3].map((step) => [step, 1]))
      const [key] = seen[0]?.key.slice(1).split('.') ?? []
      expect(key).to.match(/^[0-9a-f-]{36}$/)
      expect(keys(location)).to.deep.equal([0, 1, 2, 3].map((step) => `"${key}.${step}"`))
    },
    'are recorded before the next request is sent': async () => {
      await ended(node.url, await post(node.url, 'a', undefined, 'seen'))
      expect(rows).to.deep.equal([null, '1', '2', '3'].map((state, step) => ({ step, state })))
    },
    'poll after 100 ms, doubling, when a 206 is empty': polls('empty.5'),
    'poll after 100 ms, doubling, when a 206 repeats the payload': polls('same.5'),
    'give the slot back while a 206 asks them to wait': async () => {
      const own = await world.node({ slots: 1, services: { one: {} } })
      const waiting = await post(own.url, 'wait.1', undefined, 'one')
      await eventually(async () =>
        expect(await show(own.url, waiting)).to.deep.include({ status: 'running', step: 1, state: { waited: true } }),
      )
      await ended(own.url, await post(own.url, 'ok', undefined, 'one'))
      expect(world.service.of(waiting)).to.have.length(1)
      await ended(own.url, waiting)
      await own.stop()
      expect(gaps(waiting)[0]).to.be.within(995, 10_000)
      expect(world.service.of(waiting).map(({ attempt }) => attempt)).to.deep.equal([1, 1])
    },
    'understand a Retry-After that is a date': async () => {
      await ended(node.url, await post(node.url, 'date', '{}', 'dated'))
      const [first = 0, second = 0] = dated.date ?? []
      expect(second - first).to.be.within(900, 15_000)
    },
    'ask again at once for a Retry-After of 0, even of the same body': async () => {
      await ended(node.url, await post(node.url, 'zero', '{}', 'dated'))
      const times = dated.zero ?? []
      expect(times).to.have.length(6)
      // As polls these five would take three seconds.
      expect((times[5] ?? 0) - (times[0] ?? 0)).to.be.below(2_000)
    },
    'repeat failed tries under the same key, one attempt more each': async () => {
      const location = await post(node.url, 'flaky.2')
      expect(await ended(node.url, location)).to.include({ status: 'complete', step: 0, attempt: 3, fails: 2 })
      expect(world.service.of(location).map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
      expect(keys(location)).to.have.length(1)
      const [first = 0, second = 0] = gaps(location)
      expect(first).to.be.within(19, 10_000)
      expect(second).to.be.within(29, 10_000)
    },
    'count failed tries anew for each step': async () => {
      const task = await ended(node.url, await post(node.url, 'a', undefined, 'bumpy'))
      expect(task).to.include({ status: 'complete', step: 3, fails: 2, attempt: 3 })
      expect(asked.bumpy).to.equal(12)
    },
    'wait as long as a Retry-After on a 503 says, without a slot': async () => {
      const location = await post(node.url, 'later.1')
      await eventually(async () => {
        const task = await show(node.url, location)
        expect(task).to.include({ status: 'running', fails: 1 }).and.have.property('runAt').that.is.a('string')
        expect(task?.lastError).to.include({ code: 'service_unavailable' })
      })
      expect(await ended(node.url, location)).to.include({ status: 'complete', attempt: 2, fails: 1 })
      expect(gaps(location)[0]).to.be.within(995, 10_000)
      expect(keys(location)).to.have.length(1)
    },
    'give the slot back for a backoff of a second and more': async () => {
      const location = await post(node.url, 'flaky.1', undefined, 'patient')
      const id = location.slice('/tasks/'.length)
      await eventually(async () =>
        expect(await world.sql('select node, fails from tasks where id = $1', [id])).to.deep.equal([
          { node: null, fails: 1 },
        ]),
      )
      expect(await ended(node.url, location)).to.include({ status: 'complete', attempt: 2 })
      expect(gaps(location)[0]).to.be.within(1_195, 15_000)
    },
    'end as failed after maxSteps answers 206, and not one sooner': async () => {
      const over = await post(node.url, 'ever', undefined, 'few')
      const within = await post(node.url, 'steps.2', undefined, 'few')
      const task = await ended(node.url, over)
      expect(task).to.include({ status: 'failed', step: 3 })
      expect(task.error).to.include({ code: 'too_many_steps', status: 206 })
      expect(world.service.of(over)).to.have.length(3)
      expect(await ended(node.url, within)).to.include({ status: 'complete', step: 2 })
    },
  }
  together(cases, 60_000)
})
