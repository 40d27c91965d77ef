// The schemas of the OpenAPI document and the door: both accept and both refuse the same bodies and parameters.
import { expect } from 'chai'
import { PARAMETERS, type ParameterName } from '../../../src/api/parameters.ts'
import { DOCUMENT, faultsOf, operationAt } from '../../support/openapi.ts'
import { aTask, type Opened, openApi } from './support.ts'

const TASK = { service: 'billing', action: 'charge' }
const ANOTHER = { service: 'billing', action: 'seen' }
const NOON = '2026-12-24T12:00:00Z'

interface Door {
  readonly request: string
  /** Bodies that both accept. Each is sent with every odd value in the place of each member, with one member more, and with one less. */
  readonly bodies: readonly object[]
}

const DOORS: readonly Door[] = [
  {
    request: 'POST /tasks',
    bodies: [
      TASK,
      { ...TASK, payload: [1], delay: '1h', priority: 'high', deadline: '2h', labels: { a: 'b' }, unique: 'x' },
      { ...TASK, runAt: NOON, callback: ANOTHER },
    ],
  },
  { request: 'PATCH /tasks/1', bodies: [{ delay: '1h', priority: 'low' }, { runAt: NOON }] },
  { request: 'POST /tasks/1/retry', bodies: [{ from: 'start', payload: 1, delay: '5s' }, { from: 3 }] },
  {
    request: 'PUT /schedules/1',
    bodies: [
      { cron: '0 3 * * *', task: { ...TASK, deadline: '1h', labels: {} } },
      { cron: '0 3 * * *', task: TASK, timezone: 'Europe/Berlin', overlap: 'skip', missed: 'none', paused: true },
    ],
  },
  { request: 'POST /schedules/1/run', bodies: [{}] },
  { request: 'PATCH /services/billing', bodies: [{ limit: null }, { limit: { rate: '5/s', burst: 2 } }] },
  { request: 'POST /services/billing/pause', bodies: [{}, { reason: 'x' }] },
]

/** What may stand in the place of a member, and mostly may not. */
// prettier-ignore
const ODD: readonly unknown[] = [
  null, true, false, 0, 1, -1, 1.5, 100_000, 100_001, 10_000_001, 2 ** 31 - 1, 2 ** 31, 1e300, [], [1], {},
  '', '.', '..', 'a', 'a b', 'ä', 'a/b', '\0', '\ud800', '\ud83d\ude00', 'high', 'urgent', 'failure', 'start', 'allow',
  ...[100, 101, 200, 201, 255, 256, 1000, 1001].flatMap((n) => ['x'.repeat(n), '\u{1f600}'.repeat(n)]),
  '0', '0s', '5s', '5', '1.5h', '05s', '366d', '367d', '-1s', '5 s', '50/s', '0/s', '5/d', '5/s ',
  NOON, '2026-12-24T12:00:00', '2026-12-24', '2026-02-30T00:00:00Z', '2026-12-24t12:00:00.5+01:00', '9999-01-01T00:00:00Z',
  'UTC', 'Nowhere/Land', '+05:30', '* * * * *', '*/5 * * * * *', '* * * *', '@daily', '0 0 30 2 *', '99 * * * *',
  { a: 'b' }, { 'a b': 'c' }, { a: 1 }, { a: '\0' }, { a: 'x'.repeat(257) }, { ['x'.repeat(65)]: 'y' },
  Object.fromEntries(Array.from({ length: 17 }, (_none, n) => [`l${n}`, ''])),
  ANOTHER, { ...ANOTHER, on: 'end' }, { service: 'billing' }, { ...ANOTHER, action: '..' },
  { concurrency: 1 }, { rate: '5/s' }, { burst: 5 }, { rate: '5/s', burst: 0 }, { concurrency: 100_001 }, { x: 1 },
]

/**
 * Of these the door knows more than a schema can say: which services and zones there are, the longest delay, which days a month has, and
 * what cron means. There the door may refuse what the schema accepts.
 */
const DOOR_KNOWS_MORE = new Set(['service', 'callback', 'delay', 'runAt', 'cron', 'timezone'])

interface Case {
  readonly body: unknown
  /** The member that was changed. */
  readonly member: string
}

/** A body with something else in the place of each member, likewise inside of `task`. */
function* cases(body: object): Generator<Case> {
  yield { body, member: '' }
  for (const member of ['other', 'delay', 'unique', 'payload', '__proto__'])
    yield { body: Object.fromEntries([...Object.entries(body), [member, '1h']]), member }
  for (const member of Object.keys(body)) {
    for (const odd of ODD) {
      const entries = Object.entries(body).filter(([name]) => name !== member)
      yield { body: Object.fromEntries([...entries, [member, odd]]), member }
    }
    yield { body: Object.fromEntries(Object.entries(body).filter(([name]) => name !== member)), member }
  }
  if ('task' in body)
    for (const inner of cases(body.task as object)) yield { body: { ...body, task: inner.body }, member: inner.member }
}

describe('the schemas of the OpenAPI document', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
    open.backstage.tasks.set('1', aTask())
  })
  after(() => open.api.stop())

  for (const { request, bodies } of DOORS) {
    it(`accept and refuse what the door does: ${request}`, async () => {
      const [method = '', path = ''] = request.split(' ')
      const schema = operationAt(method, path)?.requestBody?.content['application/json']?.schema ?? {}
      const seen = { accepted: 0, refused: 0 }
      for (const { body, member } of [
        ...ODD.map((odd) => ({ body: odd, member: 'body' })),
        ...bodies.flatMap((one) => [...cases(one)]),
      ]) {
        const text = JSON.stringify(body)
        const headers = { 'Content-Type': 'application/json' }
        const { status } = await open.request(path, { method, body: text, headers })
        const fault = faultsOf(schema, JSON.parse(text))
        const told = `${text.slice(0, 300)} is answered ${status}; the schema says: ${fault || 'yes'}`
        expect(status, told).to.be.oneOf([200, 201, 302, 400])
        seen[status < 400 ? 'accepted' : 'refused'] += 1
        if (status < 400) expect(fault, told).to.equal('')
        else if (!DOOR_KNOWS_MORE.has(member)) expect(fault, told).not.to.equal('')
      }
      expect(seen.accepted).to.be.at.least(bodies.length)
      expect(seen.refused).to.be.above(ODD.length)
    })
  }

  it('accept and refuse what the door does: POST /tasks/batch', async () => {
    const schema = operationAt('POST', '/tasks/batch')?.requestBody?.content['application/json']?.schema ?? {}
    const batches = [[], [TASK], [TASK, TASK], [{}], [TASK, { ...TASK, other: 1 }], {}, [1], null]
    for (const body of [
      ...batches,
      Array.from({ length: 1000 }, () => TASK),
      Array.from({ length: 1001 }, () => TASK),
    ]) {
      const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
      const { status } = await open.request('/tasks/batch', options)
      expect(faultsOf(schema, body) === '', JSON.stringify(body).slice(0, 100)).to.equal(status === 201)
    }
  })

  const texts = [
    ...ODD.filter((odd) => typeof odd === 'string'),
    '1',
    '1000',
    '1001',
    '01',
    '1e2',
    'true',
    'TRUE',
    'full',
  ]
  const more = [
    'failed',
    'pending,failed',
    'failed,failed',
    'failed,',
    '1,2',
    '1,x',
    'cancelled',
    '60s',
    '61s',
    '20/s',
    '5b1f0c9d2e7a',
  ]
  /** Of these the door knows more: the longest wait, ids beyond bigint, which days a month has. */
  const KNOWS_MORE = new Set(['wait', 'since', 'before', 'after', 'ids', 'createdAfter', 'createdBefore'])

  for (const name of Object.keys(PARAMETERS) as ParameterName[])
    it(`accept and refuse what the door does: the parameter ${name}`, () => {
      const schema = DOCUMENT.components.parameters[name]?.schema ?? {}
      const typed = (text: string): unknown => {
        if (name === 'label') return { 'label.a': text }
        if (schema.type === 'array') return text.split(',')
        return schema.type === 'integer' && /^[1-9]\d*$/.test(text) ? Number(text) : text
      }
      const seen = { accepted: 0, refused: 0 }
      for (const text of [...texts, ...more]) {
        // A query in UTF-8 holds no lone surrogates.
        if (/[\ud800-\udfff]/u.test(text)) continue
        const accepted = PARAMETERS[name].accepts(text)
        const fault = faultsOf(schema, typed(text))
        seen[accepted ? 'accepted' : 'refused'] += 1
        if (accepted) expect(fault, text).to.equal('')
        else if (!KNOWS_MORE.has(name)) expect(fault, text).not.to.equal('')
      }
      expect(seen.accepted, 'accepted').to.be.above(0)
      expect(seen.refused, 'refused').to.be.above(0)
    })
})
