import { expect } from 'chai'
import * as fc from 'fast-check'
import {
  ANSWERS,
  type Body,
  type Outcome,
  type Reply,
  type Standing,
  classify,
  outcomeOf,
  tooManySteps,
} from '../../../src/core/answers.ts'
import { FAILURES } from '../../../src/core/failures.ts'
import { MAX_RETRY_AFTER } from '../../../src/core/retry-after.ts'
import { type Service, SERVICE_DEFAULTS } from '../../../src/core/service.ts'

const SERVICE: Service = { ...SERVICE_DEFAULTS, name: 'billing', url: 'http://billing/' }
const START: Standing = { sent: '{"n":0}', steps: 0, fails: 0, repeats: 0 }

const EMPTY: Body = { kind: 'empty', text: '' }
const JSON_BODY: Body = { kind: 'json', text: '{"n":1}' }
const TEXT: Body = { kind: 'text', text: 'no "json"' }
const LONG: Body = { kind: 'text', text: 'x'.repeat(100_000), why: 'it is malformed' }
const LARGE: Body = { kind: 'large', text: '' }

const answer = (status: number, body: Body = JSON_BODY, retryAfter?: number): Reply => ({
  kind: 'answer',
  status,
  retryAfter,
  body,
})

/** The verdict, with the longest wait that chance allows. */
const verdict = (reply: Reply, at: Partial<Standing> = {}, over: Partial<Service> = {}) =>
  classify(reply, { ...START, ...at }, { ...SERVICE, ...over }, 1)

describe('the table of answers', () => {
  const expected: readonly (readonly [Outcome, readonly number[]])[] = [
    ['complete', [200, 201, 202, 204, 205, 207, 226, 299]],
    ['progress', [206]],
    ['redirect', [300, 301, 302, 303, 304, 307, 308, 399]],
    ['again', [408, 425, 429, 502, 503, 504]],
    ['failed', [0, 100, 199, 400, 401, 403, 404, 407, 409, 410, 422, 426, 428, 430, 499, 500, 501, 505, 511, 599, 600]],
  ]
  for (const [outcome, statuses] of expected)
    for (const status of statuses) it(`${status} is ${outcome}`, () => expect(outcomeOf(status)).to.equal(outcome))

  it('has no row that an earlier row hides, and no empty range', () => {
    for (const [i, { from, to }] of ANSWERS.entries()) {
      expect(from).to.be.at.most(to)
      expect(ANSWERS.slice(0, i).some((row) => row.from <= from && row.to >= to)).to.equal(false)
    }
  })
})

describe('the verdict', () => {
  for (const [name, reply, result, omitted] of [
    ['200 with JSON keeps its bytes', answer(200, { kind: 'json', text: ' {"a" : 1.0} ' }), ' {"a" : 1.0} ', false],
    ['200 without a body has no result', answer(200, EMPTY), null, false],
    ['204 has no result', answer(204, EMPTY), null, false],
    ['200 with text keeps it as a JSON string', answer(200, TEXT), '"no \\"json\\""', false],
    ['200 with too large a body omits it', answer(200, LARGE), null, true],
    ['201 completes likewise', answer(201), '{"n":1}', false],
  ] as const)
    it(name, () => expect(verdict(reply)).to.deep.equal({ kind: 'complete', result, omitted }))

  for (const [name, reply, at, expected] of [
    ['206 takes the body as the next payload', answer(206), {}, { state: '{"n":1}', repeats: 0, wait: 0 }],
    ['206 forgets earlier repeats', answer(206), { repeats: 4 }, { state: '{"n":1}', repeats: 0, wait: 0 }],
    ['206 waits as Retry-After says', answer(206, JSON_BODY, 7_000), {}, { state: '{"n":1}', repeats: 0, wait: 7_000 }],
    ['206 without a body keeps the payload, and polls', answer(206, EMPTY), {}, { state: null, repeats: 1, wait: 100 }],
    [
      '206 with the bytes that were sent polls slower and slower',
      answer(206),
      { sent: '{"n":1}', repeats: 2 },
      { state: '{"n":1}', repeats: 3, wait: 400 },
    ],
    [
      '206 with other bytes of the same value is progress',
      answer(206, { kind: 'json', text: '{ "n":0}' }),
      {},
      { state: '{ "n":0}', repeats: 0, wait: 0 },
    ],
    [
      '206 that repeats itself waits as Retry-After says, be it at once',
      answer(206, EMPTY, 0),
      { repeats: 6 },
      { state: null, repeats: 7, wait: 0 },
    ],
  ] as const)
    it(name, () => expect(verdict(reply, at)).to.deep.equal({ kind: 'progress', ...expected }))

  for (const [name, reply, code, body] of [
    ['206 with text fails with its answer', answer(206, TEXT), 'bad_body', 'no "json"'],
    ['206 with long text fails with its beginning', answer(206, LONG), 'bad_body', 'x'.repeat(64 * 1024)],
    ['500 with a body that cannot be shown fails without one', answer(500, LARGE), 'service_error', undefined],
    ['206 with too large a body fails', answer(206, LARGE), 'body_too_large', undefined],
    ['500 fails with its answer', answer(500, TEXT), 'service_error', 'no "json"'],
    ['500 without a body fails without one', answer(500, EMPTY), 'service_error', undefined],
    ['404 fails likewise', answer(404), 'service_error', '{"n":1}'],
    ['307 fails, never followed', answer(307, EMPTY), 'redirect', undefined],
  ] as const)
    it(name, () => {
      const failed = verdict(reply)
      expect(failed.kind).to.equal('failed')
      const failure = failed.kind === 'failed' ? failed.failure : undefined
      expect(failure).to.include({ code, status: reply.kind === 'answer' ? reply.status : undefined })
      expect(failure?.body).to.equal(body)
    })

  it('206 with text says why that is no JSON', () => {
    expect(verdict(answer(206, LONG))).to.have.nested.property(
      'failure.detail',
      'The body of an answer 206 was not JSON: it is malformed.',
    )
  })

  it('206 is progress without a wait once it is the last that maxSteps allows', () => {
    const polled = answer(206, JSON_BODY, 5_000)
    expect(verdict(polled, { steps: 1 }, { maxSteps: 3 })).to.include({ kind: 'progress', wait: 5_000 })
    expect(verdict(polled, { steps: 2 }, { maxSteps: 3 })).to.include({ kind: 'progress', wait: 0 })
    expect(verdict(polled, { steps: 1e9 }, { maxSteps: 0 })).to.include({ kind: 'progress', wait: 5_000 })
  })

  it('206 as often as maxSteps says is too often', () => {
    const steps = (count: number, maxSteps: number) => tooManySteps(count, { ...SERVICE, maxSteps })?.code
    expect([steps(2, 3), steps(3, 3), steps(4, 3), steps(1e9, 0)]).to.deep.equal([
      undefined,
      'too_many_steps',
      'too_many_steps',
      undefined,
    ])
  })

  for (const [name, reply, code] of [
    ['503', answer(503), 'service_unavailable'],
    ['408', answer(408), 'service_unavailable'],
    ['no answer in time', { kind: 'timeout' }, 'timeout'],
    ['a refused connection', { kind: 'unreachable', detail: 'ECONNREFUSED' }, 'service_unavailable'],
  ] as const)
    it(`${name} is tried again, and fails with the last try`, () => {
      const again = verdict(reply, { fails: 18 })
      expect(again).to.deep.include({ kind: 'again', wait: 30_000 })
      expect(again).to.have.nested.property('failure.code', code)
      expect(verdict(reply, { fails: 19 }))
        .to.deep.include({ kind: 'failed' })
        .and.have.nested.property('failure.code', code)
      expect(verdict(reply, { fails: 1e6 }, { retry: { ...SERVICE.retry, attempts: 0 } }).kind).to.equal('again')
    })

  it('does not count a try that the node itself could not begin, however often that was', () => {
    const reply: Reply = { kind: 'lacking', detail: 'memory, ENOMEM' }
    for (const fails of [0, 19, 1e6])
      expect(verdict(reply, { fails })).to.deep.equal({
        kind: 'uncounted',
        wait: 5_000,
        failure: {
          code: 'service_unavailable',
          detail: 'This node could not open a connection for want of its own: memory, ENOMEM.',
        },
      })
    expect(classify(reply, START, SERVICE, 0)).to.include({ wait: 2_500 })
  })

  for (const [status, wait] of [
    [503, 5_000],
    [429, 5_000],
    [502, 250],
    [408, 250],
  ] as const)
    it(`${status} with Retry-After of 5 s waits ${wait} ms`, () =>
      expect(verdict(answer(status, EMPTY, 5_000))).to.include({ kind: 'again', wait }))

  for (const [status, on, kind, wait] of [
    [500, [500], 'again', 5_000],
    [500, [404, 599], 'failed', undefined],
    [404, [404, 599], 'again', 5_000],
    [502, [502], 'again', 5_000],
    [502, [500], 'again', 250],
  ] as const)
    it(`${status} with Retry-After of 5 s, where retry.on names ${on.join(' and ')}: ${kind}`, () => {
      const drawn = verdict(answer(status, EMPTY, 5_000), {}, { retry: { ...SERVICE.retry, on } })
      expect([drawn.kind, 'wait' in drawn ? drawn.wait : undefined]).to.deep.equal([kind, wait])
    })

  it('a status that retry.on names fails as service_unavailable with the last try', () => {
    const failed = verdict(answer(500), { fails: 19 }, { retry: { ...SERVICE.retry, on: [500] } })
    const failure = { code: 'service_unavailable', detail: 'The service answered 500.', status: 500, body: '{"n":1}' }
    expect(failed).to.deep.equal({ kind: 'failed', failure })
  })

  it('never waits shorter than the backoff, however soon Retry-After says', () => {
    expect(verdict(answer(503, EMPTY, 1))).to.include({ wait: 250 })
  })

  it('is there for every reply, with a wait in range and a code of the table', () => {
    const body = fc.record({ kind: fc.constantFrom('empty', 'json', 'text', 'large'), text: fc.string() } as const)
    const reply: fc.Arbitrary<Reply> = fc.oneof(
      fc.record({
        kind: fc.constant('answer' as const),
        status: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer()),
        retryAfter: fc.option(fc.integer({ min: 0, max: MAX_RETRY_AFTER }), { nil: undefined }),
        body,
      }),
      fc.constant({ kind: 'timeout' as const }),
      fc.record({ kind: fc.constantFrom('unreachable' as const, 'lacking' as const), detail: fc.string() }),
    )
    const at = fc.record({ sent: fc.string(), steps: fc.nat(), fails: fc.nat(), repeats: fc.nat() })
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(reply, at, chance, fc.nat(40), fc.nat(9), (came, standing, random, attempts, maxSteps) => {
        const service = { ...SERVICE, maxSteps, retry: { ...SERVICE.retry, attempts } }
        const drawn = classify(came, standing, service, random)
        if ('wait' in drawn) expect(drawn.wait).to.be.within(0, MAX_RETRY_AFTER)
        if ('failure' in drawn) expect(FAILURES).to.have.property(drawn.failure.code)
        if (drawn.kind === 'again') expect(drawn.wait).to.be.at.least(SERVICE.retry.backoff / 2)
        if (drawn.kind === 'complete' && drawn.result !== null && came.kind === 'answer' && came.body.kind === 'text')
          expect(JSON.parse(drawn.result)).to.equal(came.body.text)
      }),
      { numRuns: 500 },
    )
  })
})
