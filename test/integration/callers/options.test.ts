// What a task may ask for beside its payload: later, first, by when, labelled, once, called back.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const DAY = 86_400_000

describe('the options of a task', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, other: {} } })).url
  })
  after(() => world.close())

  const submit = (task: Record<string, unknown>, headers?: Record<string, string>): Promise<Told> =>
    ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', ...task }, headers)
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json

  it('are shown in full, and null where they were not given', async () => {
    const { status, location } = await submit({
      delay: '1h',
      priority: 'high',
      deadline: '2h',
      labels: { order: '7', who: 'Zoë' },
      unique: 'seven',
      callback: { service: 'other', action: 'seen' },
    })
    expect(status).to.equal(302)
    const task = await full(location)
    expect(task).to.deep.include({
      status: 'pending',
      priority: 'high',
      labels: { order: '7', who: 'Zoë' },
      unique: 'seven',
      callback: { service: 'other', action: 'seen' },
      caller: null,
      retryOf: null,
      retriedAs: null,
      callbackOf: null,
      schedule: null,
    })
    expect(Date.parse(task.runAt) - Date.parse(task.createdAt)).to.be.within(3_600_000 - 5, 3_600_000 + 5)
    expect(Date.parse(task.deadlineAt) - Date.parse(task.runAt)).to.be.within(7_200_000 - 5, 7_200_000 + 5)
    const plain = await full((await submit({})).location)
    expect(plain).to.deep.include({ priority: 'normal', labels: null, unique: null, callback: null })
    expect(Date.parse(plain.deadlineAt) - Date.parse(plain.createdAt)).to.be.within(7 * DAY - 5, 7 * DAY + 5)
  })

  it('put a task off: it begins within a second of its time, and not before', async () => {
    const begun = performance.now()
    const [delayed, at] = await Promise.all([
      submit({ delay: '1500ms' }),
      submit({ runAt: new Date(Date.now() + 1_500).toISOString() }),
    ])
    for (const { location } of [delayed, at]) {
      await world.service.until((seen) => seen.some((one) => one.location === location), 5_000)
      const [seen] = world.service.of(location)
      expect((seen?.at ?? 0) - begun).to.be.within(1_400, 2_700)
    }
  })

  it('of a time in the past mean now', async () => {
    const { location } = await submit({ runAt: '1999-12-31T23:59:60+01:00' })
    expect(await ended(url, location)).to.include({ status: 'complete' })
  })

  it('end a task at its own deadline, wherever it is', async () => {
    const [running, waiting] = await Promise.all([
      submit({ action: 'hang', deadline: '700ms' }),
      submit({ delay: '1h', deadline: '10ms' }),
    ])
    expect((await ended(url, running.location)).error).to.deep.include({
      code: 'deadline_exceeded',
      detail: 'The task grew older than its deadline (700 ms).',
    })
    expect(await full(waiting.location)).to.include({ status: 'pending' })
  })

  it('find the task with the same `unique` while it has not ended', async () => {
    const first = await submit({ service: 'other', action: 'held', unique: 'only', payload: { first: true } })
    expect(first.status).to.equal(302)
    expect(first.headers.get('task-existing')).to.equal(null)
    const second = await submit({ service: 'other', action: 'ok', unique: 'only' })
    expect([second.status, second.location]).to.deep.equal([302, first.location])
    expect(second.headers.get('task-existing')).to.equal('true')
    expect(second.json).to.deep.include({ action: 'held', payload: { first: true } })
    const third = await submit({ service: 'other', unique: 'only' }, { prefer: 'return=representation' })
    expect([third.status, third.location]).to.deep.equal([200, first.location])
    expect((await submit({ unique: 'only' })).location).to.not.equal(first.location)
    await world.service.until((seen) => seen.some((one) => one.location === first.location))
    world.service.letGo()
    await ended(url, first.location)
    expect((await submit({ service: 'other', unique: 'only' })).location).to.not.equal(first.location)
  })

  it('create the callback when a task ends, whatever ends it, and once', async () => {
    const callback = { service: 'other', action: 'echo' }
    const [complete, failed] = await Promise.all([
      submit({ callback, labels: { a: 'b' }, payload: 1 }),
      submit({ action: 'fail', callback }),
    ])
    for (const { location } of [complete, failed]) await ended(url, location)
    const rows = await eventually(async () => {
      const found = await world.sql<{ id: string; of: string }>(
        `select id, callback_of as of from tasks where callback_of is not null and status = 'complete'`,
      )
      expect(found).to.have.length(2)
      return found
    })
    for (const { id, of } of rows) {
      const task = await full(`/tasks/${id}`)
      expect(task).to.include({ callbackOf: `/tasks/${of}`, callback: null, unique: null })
      expect(task.result).to.deep.equal(task.payload)
    }
    const told = await Promise.all(rows.map(async ({ id }) => (await full(`/tasks/${id}`)).payload))
    expect(told.find(({ status }) => status === 'complete')).to.deep.equal({
      location: complete.location,
      service: 'svc',
      action: 'ok',
      status: 'complete',
      result: { ok: true },
      labels: { a: 'b' },
    })
    expect(told.find(({ status }) => status === 'failed')).to.deep.include({
      location: failed.location,
      action: 'fail',
    })
  })

  const FAULTS: Readonly<Record<string, readonly [Record<string, unknown>, string]>> = {
    'a delay without a unit': [{ delay: '5' }, '/delay'],
    'a delay of more than a year and a day': [{ delay: '367d' }, '/delay'],
    'a delay that is a number': [{ delay: 5 }, '/delay'],
    'both times': [{ delay: '1s', runAt: '2026-12-24T18:00:00Z' }, '/runAt'],
    'a time without an offset': [{ runAt: '2026-12-24T18:00:00' }, '/runAt'],
    'a day that is none': [{ runAt: '2026-02-30T18:00:00Z' }, '/runAt'],
    'a time that is too far ahead': [{ runAt: '2999-01-01T00:00:00Z' }, '/runAt'],
    'a priority that is none': [{ priority: 'urgent' }, '/priority'],
    'a deadline of nothing': [{ deadline: '0' }, '/deadline'],
    'labels that are a list': [{ labels: ['a'] }, '/labels'],
    'a label that is a number': [{ labels: { a: 1 } }, '/labels/a'],
    'a label with a bad name': [{ labels: { 'a b': 'c' } }, '/labels/a b'],
    'too many labels': [{ labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, ''])) }, '/labels'],
    'a unique of nothing': [{ unique: '' }, '/unique'],
    'a unique with NUL': [{ unique: 'a\0' }, '/unique'],
    'a unique with half a character': [{ unique: '\ud800' }, '/unique'],
    'a callback to nobody': [{ callback: { service: 'nobody', action: 'a' } }, '/callback/service'],
    'a callback with more': [{ callback: { service: 'svc', action: 'a', on: 'end' } }, '/callback'],
    'null for a delay': [{ delay: null }, '/delay'],
  }
  for (const [what, [task, pointer]] of Object.entries(FAULTS))
    it(`are refused with ${what}`, async () => {
      const { status, json } = await submit(task)
      expect(status).to.equal(400)
      expect(json.errors.map((fault: { pointer: string }) => fault.pointer)).to.deep.equal([pointer])
    })
})
