// Encryption at rest, seen from outside: each way in and out is byte for byte as without it, and Postgres has nothing to read.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'
import { allOf, idOf, keyOf } from './keys.ts'

/** It is in everything that must not be read in Postgres. */
const SECRET = 'p14int3xt'
/** JSON that a parser would change. */
const ODD = `{"s":"${SECRET}","n":1.50, "n":12345678901234567890, "t":"\\u0000\\ud800"}`
/** What a service answers at each step: JSON with whitespace around it, and what looks like a stored text of ours. */
const STATES = [`\r\t\r"00000000 x.state ${SECRET}"\n`, '', `\r\t\r\t{"two":"${SECRET}"}`] as const

for (const keys of [[keyOf('a')], undefined])
  describe(`the values of tasks, ${keys ? 'encrypted' : 'as they are'} in Postgres`, () => {
    let world: World
    let url: string
    const bodies = new Map<string, string[]>()
    before(async () => {
      world = await openWorld()
      // Three steps, then what the action says. A retry is answered 200.
      const odd = await world.serve((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const { 'task-location': location, 'task-step': step, 'task-action': action } = request.headers
          const retried = request.headers['task-retry-of'] !== undefined
          bodies.set(String(location), [...(bodies.get(String(location)) ?? []), Buffer.concat(chunks).toString()])
          const state = action === 'once' || action === 'parks' ? undefined : STATES[Number(step)]
          if (state !== undefined) response.writeHead(206).end(state)
          else if (action === 'held' || action === 'parks')
            response.writeHead(503, { 'Retry-After': '3600' }).end(`busy ${SECRET}`)
          else response.writeHead(action === 'fail' && !retried ? 500 : 200).end(ODD)
        })
      })
      const log = { attemptLog: 'all', keepStates: 10 } as const
      const setup = { services: { svc: { url: odd, ...log, onCancel: 'once' }, told: { url: odd } } }
      url = (await world.node({ ...setup, ...(keys && { encryptionKeys: keys }) })).url
    })
    after(() => world.close())

    const submit = async (task: Record<string, unknown>, payload = ODD, more = {}): Promise<Told> => {
      const text = JSON.stringify({ service: 'svc', action: 'ok', ...task }).slice(0, -1)
      return ask('POST', `${url}/tasks`, `${text},"payload":${payload}}`, more)
    }
    const over = async (location: string): Promise<string> => {
      await ended(url, location)
      return (await ask('GET', `${url}${location}?view=full`)).text
    }
    const sent = (location: string): string[] => bodies.get(location) ?? []
    const made = async (where: string, values: unknown[]): Promise<string> =>
      eventually(async () => {
        const [row] = await world.sql<{ id: string }>(`select id from tasks where ${where}`, values)
        if (!row) throw new Error('no such task yet')
        return `/tasks/${row.id}`
      })

    it('are those of a task that goes three steps and is complete: what is sent, shown and listed', async () => {
      const { location } = await submit({})
      const text = await over(location)
      expect(sent(location)).to.deep.equal([ODD, STATES[0], STATES[0], STATES[2]])
      for (const part of [`"payload":${ODD},`, `"result":${ODD},`, `"state":${STATES[2]},`])
        expect(text).to.include(part)
      expect((await ask('GET', `${url}${location}`)).text)
        .to.include(`"payload":${ODD},`)
        .and.include(`"result":${ODD}`)
      const ids = `ids=${idOf(location)}`
      expect((await ask('GET', `${url}/tasks?${ids}`)).text).to.include(`"payload":${ODD},`)
      expect((await ask('GET', `${url}/tasks?view=full&${ids}`)).text).to.equal(`[${text}]`)
      expect((await ask('GET', `${url}${location}/events`)).text).to.include(`"result":${ODD}`)
    })

    it('are those of a batch, and of a POST that waits for the end', async () => {
      const { json } = await ask(
        'POST',
        `${url}/tasks/batch`,
        `[${`{"service":"svc","action":"once","payload":${ODD}},`.repeat(9).slice(0, -1)}]`,
      )
      for (const { location } of json as { location: string }[])
        expect(await over(location)).to.include(`"payload":${ODD},`)
      const waited = await submit({ action: 'once', delay: '0s' }, ODD, { prefer: 'wait=30, return=representation' })
      expect(waited.text).to.include(`"payload":${ODD},`).and.include(`"result":${ODD}`)
    })

    it('are those of a payload of 1 MiB, in a page of such payloads', async () => {
      const big = `"${SECRET}${'x'.repeat(1_048_400 - SECRET.length)}"`
      const made = await Promise.all(Array.from({ length: 9 }, () => submit({ action: 'once' }, big)))
      for (const { location } of made) {
        await over(location)
        expect(sent(location)).to.deep.equal([big])
      }
      const { json } = await ask('GET', `${url}/tasks?ids=${made.map(({ location }) => idOf(location)).join(',')}`)
      const page = json as { payload: string }[]
      expect(page.length).to.be.within(8, 9)
      for (const { payload } of page) expect(JSON.stringify(payload) === big).to.equal(true)
    })

    it('are those of a failure: its error, its tries, and the filter by its code', async () => {
      const { location } = await submit({ action: 'fail' })
      const body = `"body":${JSON.stringify(ODD)}}`
      expect(await over(location)).to.include(
        `"error":{"code":"service_error","detail":"The service answered 500.","status":500,${body}`,
      )
      expect((await ask('GET', `${url}${location}/attempts`)).text).to.include(body)
      const found = await ask('GET', `${url}/tasks?error=service_error&view=full&ids=${idOf(location)}`)
      expect(found.text).to.include(body)
      const { json } = await ask('GET', `${url}${location}/explain`)
      expect(json).to.include({ state: 'ended' })
    })

    for (const [from, first] of [
      ['"failure"', STATES[2]],
      ['"start"', ODD],
      ['0', ODD],
      ['1', STATES[0]],
      ['2', STATES[0]],
      ['3', STATES[2]],
    ] as const)
      for (const given of [undefined, `{"given":"${SECRET}"}`])
        it(`are those of a retry from ${from}${given === undefined ? '' : ' with a payload'}, and of its own retry`, async () => {
          const { location } = await submit({ action: 'fail' })
          await over(location)
          const body = `{"from":${from}${given === undefined ? '' : `,"payload":${given}`}}`
          const repeatable = { 'idempotency-key': `retry-${idOf(location)}`, prefer: 'return=representation' }
          const one = await ask('POST', `${url}${location}/retry`, body, repeatable)
          expect(await over(one.location)).to.include(
            `"payload":${given !== undefined && first === ODD ? given : ODD},`,
          )
          expect(sent(one.location)[0]).to.equal(given ?? first)
          const again = await ask('POST', `${url}${location}/retry`, body, repeatable)
          expect([again.headers.get('idempotency-replayed'), again.text]).to.deep.equal(['true', one.text])
          const two = await ask('POST', `${url}${one.location}/retry`, '{"from":"start"}')
          await over(two.location)
          expect(sent(two.location)[0]).to.equal(given !== undefined && first === ODD ? given : ODD)
          const three = await ask('POST', `${url}${two.location}/retry`, '{"from":2}')
          await over(three.location)
          expect(sent(three.location)[0]).to.equal(STATES[0])
        })

    it('are those of a retry of many', async () => {
      const { location } = await submit({ action: 'fail' })
      await over(location)
      expect((await ask('POST', `${url}/tasks/retry?ids=${idOf(location)}`)).json).to.include({ done: 1 })
      const retry = await made('retry_of = $1', [idOf(location)])
      expect(await over(retry)).to.include(`"payload":${ODD},`)
      expect(sent(retry)[0]).to.equal(STATES[2])
    })

    for (const [action, part] of [
      ['ok', `"result" : ${ODD}`],
      [
        'fail',
        `"error" : {"code":"service_error","detail":"The service answered 500.","status":500,"body":${JSON.stringify(ODD)}}`,
      ],
    ] as const)
      it(`are those of the callback of a task that ${action === 'ok' ? 'is complete' : 'fails'}, and of its retry`, async () => {
        const { location } = await submit({ action, callback: { service: 'told', action: 'once' }, labels: { a: 'b' } })
        await over(location)
        const callback = await made('callback_of = $1', [idOf(location)])
        await over(callback)
        expect(sent(callback)[0])
          .to.match(/^\{ "location" : "\/tasks\//)
          .and.include(part)
        const { text } = await ask('GET', `${url}${callback}`)
        expect(text).to.include(`"payload":${sent(callback)[0]},"status"`)
        const again = await ask('POST', `${url}${callback}/retry`, '{"from":"start"}')
        await over(again.location)
        expect(sent(again.location)).to.deep.equal(sent(callback))
      })

    it('are those of the task that undoes one, of the task that undoes that, and of the try before', async () => {
      const { location } = await submit({ action: 'held' })
      await eventually(() => expect(sent(location)).to.have.length(4))
      await eventually(async () =>
        expect((await ask('GET', `${url}${location}?view=full`)).json.runAt).not.to.equal(null),
      )
      expect((await ask('GET', `${url}${location}?view=full`)).json.lastError.body).to.equal(`busy ${SECRET}`)
      expect((await ask('POST', `${url}${location}/cancel`)).status).to.equal(200)
      const undo = await made(`action = 'once' and position($1 in payload::text) > 0`, [`"${location}"`])
      const first = `{"location" : "${location}", "step" : 3, "state" : ${STATES[2]}}`
      expect((await ask('GET', `${url}${undo}`)).text).to.include(`"payload":${first},"status"`)
      await world.sql(`update tasks set action = 'parks', run_at = now() where id = $1`, [idOf(undo)])
      await eventually(() => expect(sent(undo)[0]).to.equal(first))
      await eventually(async () => expect((await ask('GET', `${url}${undo}?view=full`)).json.runAt).not.to.equal(null))
      expect((await ask('DELETE', `${url}${undo}`)).status).to.equal(204)
      const second = await made(`action = 'once' and position($1 in payload::text) > 0`, [`"${undo}"`])
      const { text } = await ask('GET', `${url}${second}`)
      expect(text).to.include(`"payload":{"location" : "${undo}", "step" : 0, "state" : ${first}},"status"`)
    })

    it('are those of a repeated POST, also when its task is gone', async () => {
      const again = (): Promise<Told> =>
        submit({ action: 'once', unique: 'u' }, ODD, { 'idempotency-key': 'k', prefer: 'return=representation' })
      const first = await again()
      await ended(url, first.location)
      await ask('DELETE', `${url}${first.location}`)
      expect((await again()).text).to.equal(first.text)
    })

    it('are those of a task that is found by its `unique`', async () => {
      const first = await submit({ action: 'held', unique: 'held' })
      const second = await submit({ action: 'held', unique: 'held' }, '{}', { 'idempotency-key': 'held' })
      expect(second.location).to.equal(first.location)
      expect(second.text).to.include(`"payload":${ODD},`)
      await ask('DELETE', `${url}${first.location}`)
    })

    it('are those of a schedule, of its times, of a run of it, and of the retries of both', async () => {
      const body = `{"cron":"0 0 1 1 *","task":{"service":"svc","action":"once","payload":${ODD}}}`
      expect((await ask('PUT', `${url}/schedules/s_1`, body)).text).to.include(`"payload":${ODD}}`)
      expect((await ask('GET', `${url}/schedules`)).text).to.include(`"payload":${ODD}}`)
      const run = await ask('POST', `${url}/schedules/s_1/run`, undefined, { prefer: 'return=representation' })
      expect(run.text).to.include(`"payload":${ODD},`)
      await world.sql(`update schedules set next_at = now() - interval '1 s' where name = 's_1'`)
      const fired = await made(`schedule = 's_1' and id > $1`, [idOf(run.location)])
      for (const location of [run.location, fired]) {
        expect(await over(location)).to.include(`"payload":${ODD},`)
        const { location: retry } = await ask('POST', `${url}${location}/retry`)
        await over(retry)
        expect(sent(retry)).to.deep.equal([ODD])
      }
    })

    it('are those of a payload of SQL until the task has written something itself', async () => {
      for (const payload of ['{"by":  "sql"}', '\r\t\r"00000000 x.payload AAAA"', '\r\t\r{"state" : 1}']) {
        const [row] = await world.sql<{ id: string }>(`select task_api.submit('svc', 'ok', $1) as id`, [payload])
        const location = `/tasks/${row?.id}`
        expect(await over(location)).to.include(`"payload":${payload},`)
        expect(sent(location)).to.deep.equal([payload, STATES[0], STATES[0], STATES[2]])
      }
    })

    // The last of these, as it looks at what the others have left in all tables.
    it(keys ? 'can be read nowhere in Postgres' : 'can be read in Postgres', async () => {
      expect((await allOf(world)).includes(SECRET)).to.equal(keys === undefined)
    })
  })
