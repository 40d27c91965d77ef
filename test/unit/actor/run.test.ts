import { expect } from 'chai'
import { BACKOFF, failureOf, Rig, triedOf } from './rig.ts'

describe('an actor', () => {
  let rig: Rig

  afterEach(() => rig.close())

  it('sends the request of its assignment', async () => {
    rig = await Rig.open({ task: { body: '[1]', step: 3, attempt: 2 } })
    expect(rig.requests).to.have.length(1)
    expect(rig.requests[0]).to.include({
      id: '7',
      key: '00000000-0000-4000-8000-000000000007',
      action: 'charge',
      body: '[1]',
      step: 3,
      attempt: 2,
      timeout: 30_000,
    })
    expect(rig.reports).to.deep.equal([])
  })

  it('settles as complete after 200, under the name of its claim', async () => {
    rig = await Rig.open({ task: { step: 2, attempt: 4 } })
    await rig.answer(200, '{"done":true}')
    const end = { status: 'complete', step: 2, attempt: 4, result: '{"done":true}', omitted: false, failure: null }
    expect(rig.reports).to.deep.equal([{ id: '7', token: 11, kind: 'settle', ...end, tried: undefined }])
    expect(rig.over).to.equal(true)
  })

  it('says that a result was too large to keep', async () => {
    rig = await Rig.open()
    await rig.land({ kind: 'answer', status: 200, retryAfter: undefined, body: { kind: 'large', text: '' } })
    expect(rig.told).to.include({ status: 'complete', result: null, omitted: true })
  })

  it('settles as failed after 500', async () => {
    rig = await Rig.open({ task: { step: 2, attempt: 4 } })
    await rig.answer(500)
    const failure = failureOf('service_error', 500)
    expect(rig.told).to.deep.equal({
      kind: 'settle',
      status: 'failed',
      step: 2,
      attempt: 4,
      result: null,
      omitted: false,
      failure,
      tried: triedOf('500', failure, { step: 2, attempt: 4 }),
    })
    expect(rig.over).to.equal(true)
  })

  describe('after 206', () => {
    it('sends the next request only when the checkpoint is committed', async () => {
      rig = await Rig.open({ task: { attempt: 3, fails: 2 } })
      await rig.answer(206, '{"n":1}')
      const kept = { keep: undefined, tried: undefined }
      expect(rig.told).to.deep.equal({ kind: 'checkpoint', step: 0, state: '{"n":1}', repeats: 0, wait: null, ...kept })
      await rig.pass(60_000)
      expect(rig.requests).to.have.length(1)
      await rig.go(1)
      expect(rig.requests).to.have.length(2)
      expect(rig.requests[1]).to.include({ body: '{"n":1}', step: 1, attempt: 1 })
      expect(rig.reports).to.have.length(1)
    })

    it('goes on step by step, and ends with one report for each answer', async () => {
      rig = await Rig.open()
      for (let step = 0; step < 3; step += 1) {
        await rig.answer(206, `{"n":${step + 1}}`)
        await rig.go(1)
      }
      await rig.answer(200)
      expect(rig.requests.map(({ body, step }) => `${step} ${body}`)).to.deep.equal([
        '0 {"n":0}',
        '1 {"n":1}',
        '2 {"n":2}',
        '3 {"n":3}',
      ])
      expect(rig.reports.map(({ kind }) => kind)).to.deep.equal(['checkpoint', 'checkpoint', 'checkpoint', 'settle'])
      expect(rig.told).to.include({ step: 3 })
    })

    it('keeps the payload when the body is empty, and polls after 100 ms, then 200', async () => {
      rig = await Rig.open()
      await rig.answer(206)
      expect(rig.told).to.include({ kind: 'checkpoint', state: null, repeats: 1, wait: null })
      await rig.go()
      await rig.pass(99)
      expect(rig.requests).to.have.length(1)
      await rig.pass(1)
      expect(rig.requests[1]).to.include({ body: '{"n":0}', step: 1 })
      await rig.answer(206, '{"n":0}')
      expect(rig.told).to.include({ state: '{"n":0}', repeats: 2 })
      await rig.go()
      await rig.pass(199)
      expect(rig.requests).to.have.length(2)
      await rig.pass(1)
      expect(rig.requests).to.have.length(3)
    })

    it('polls at once again after progress', async () => {
      rig = await Rig.open({ task: { repeats: 3 } })
      await rig.answer(206, '{"n":1}')
      await rig.go()
      expect(rig.requests).to.have.length(2)
    })

    for (const [wait, parks] of [
      [0, false],
      [999, false],
      [1_000, true],
      [86_400_000, true],
    ] as const)
      it(`${parks ? 'parks for' : 'keeps its slot for'} a wait of ${wait} ms`, async () => {
        rig = await Rig.open()
        await rig.answer(206, '{"n":1}', wait)
        expect(rig.told).to.include({ kind: 'checkpoint', wait: parks ? wait : null })
        expect(rig.over).to.equal(parks)
      })

    it('fails at the last step that maxSteps allows, and counts it', async () => {
      rig = await Rig.open({ task: { step: 2 }, service: { maxSteps: 3 } })
      await rig.answer(206, '{"n":3}', 5_000)
      expect(rig.told).to.include({ kind: 'checkpoint', step: 2, state: '{"n":3}', wait: null })
      await rig.go()
      expect(rig.requests).to.have.length(1)
      expect(rig.told).to.include({ kind: 'settle', status: 'failed', step: 3 })
      expect(rig.told).to.have.nested.property('failure.code', 'too_many_steps')
    })

    it('fails by a body that is no JSON, without counting the step', async () => {
      rig = await Rig.open({ task: { step: 2 } })
      await rig.land({ kind: 'answer', status: 206, retryAfter: undefined, body: { kind: 'text', text: '{' } })
      expect(rig.told).to.include({ kind: 'settle', status: 'failed', step: 2 })
      expect(rig.told).to.have.nested.property('failure.code', 'bad_body')
    })
  })

  describe('after a try that failed', () => {
    it('waits, asks by the retry write, and sends the same step again when that is committed', async () => {
      rig = await Rig.open({ task: { step: 5 } })
      await rig.answer(503)
      await rig.pass(BACKOFF - 1)
      expect(rig.reports).to.deep.equal([])
      await rig.pass(1)
      const failure = failureOf('service_unavailable', 503)
      const tried = triedOf('503', failure, { step: 5, attempt: 1, wait: BACKOFF })
      expect(rig.told).to.deep.equal({ kind: 'retry', step: 5, attempt: 1, failure, tried })
      await rig.pass(60_000)
      expect(rig.requests).to.have.length(1)
      await rig.go(2)
      expect(rig.requests[1]).to.include({ body: '{"n":0}', step: 5, attempt: 2 })
    })

    it('doubles the wait with each try', async () => {
      rig = await Rig.open()
      await rig.land({ kind: 'unreachable', detail: 'ECONNREFUSED' })
      await rig.pass(BACKOFF)
      await rig.go(2)
      await rig.land({ kind: 'timeout' })
      await rig.pass(2 * BACKOFF - 1)
      expect(rig.reports).to.have.length(1)
      await rig.pass(1)
      expect(rig.told).to.include({ kind: 'retry', attempt: 2 })
    })

    for (const [retryAfter, parks] of [
      [999, false],
      [1_000, true],
    ] as const)
      it(`${parks ? 'parks for' : 'keeps its slot for'} a Retry-After of ${retryAfter} ms`, async () => {
        rig = await Rig.open({ task: { step: 1, attempt: 2, fails: 1 } })
        await rig.answer(503, '', retryAfter)
        expect(rig.over).to.equal(parks)
        const failure = failureOf('service_unavailable', 503)
        const tried = triedOf('503', failure, { step: 1, attempt: 2, wait: retryAfter })
        const park = {
          kind: 'park',
          step: 1,
          attempt: 2,
          wait: retryAfter,
          failure,
          tried,
        }
        expect(rig.told).to.deep.equal(parks ? park : undefined)
      })

    it('parks for a backoff of 1 s or more', async () => {
      rig = await Rig.open({ task: { fails: 3 } })
      await rig.land({ kind: 'timeout' })
      expect(rig.told).to.include({ kind: 'park', wait: 8 * BACKOFF })
      expect(rig.over).to.equal(true)
    })

    it('fails when its tries are used up', async () => {
      rig = await Rig.open({ task: { fails: 19, attempt: 25 } })
      await rig.answer(503)
      expect(rig.told).to.include({ kind: 'settle', status: 'failed', attempt: 25 })
      expect(rig.told).to.have.nested.property('failure.code', 'service_unavailable')
    })
  })

  describe('near its deadline', () => {
    it('sends nothing once that has passed', async () => {
      rig = await Rig.open({ task: { age: 5_000, step: 4 }, service: { deadline: 5_000 } })
      expect(rig.requests).to.deep.equal([])
      expect(rig.told).to.include({ kind: 'settle', status: 'failed', step: 4 })
      expect(rig.told).to.have.nested.property('failure.code', 'deadline_exceeded')
    })

    it('gives a request only the time that is left', async () => {
      rig = await Rig.open({ task: { age: 4_000 }, service: { deadline: 5_000 } })
      expect(rig.requests[0]).to.include({ timeout: 1_000 })
    })

    it('fails by the deadline when that cut the request off', async () => {
      rig = await Rig.open({ task: { age: 4_000 }, service: { deadline: 5_000 } })
      await rig.pass(1_000)
      await rig.land({ kind: 'timeout' })
      expect(rig.told).to.have.nested.property('failure.code', 'deadline_exceeded')
    })

    it('ends its waits at the deadline', async () => {
      rig = await Rig.open({ task: { age: 4_500 }, service: { deadline: 5_000 } })
      await rig.answer(206, '{"n":1}', 3_600_000)
      expect(rig.told).to.include({ kind: 'checkpoint', wait: null })
      await rig.go()
      await rig.pass(500)
      expect(rig.requests).to.have.length(1)
      expect(rig.told).to.include({ kind: 'settle', status: 'failed', step: 1 })
      expect(rig.told).to.have.nested.property('failure.code', 'deadline_exceeded')
    })

    it('parks no longer than to the deadline', async () => {
      rig = await Rig.open({ task: { age: 3_000 }, service: { deadline: 5_000 } })
      await rig.answer(503, '', 60_000)
      expect(rig.told).to.include({ kind: 'park', wait: 2_000 })
    })

    it('has none when the service sets 0', async () => {
      rig = await Rig.open({ task: { age: 1e12 }, service: { deadline: 0 } })
      expect(rig.requests[0]).to.include({ timeout: 30_000 })
    })
  })
})
