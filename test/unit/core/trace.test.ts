import { expect } from 'chai'
import { headersOfTrace, newTrace, traceOf, traceOfTask } from '../../../src/core/trace.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const GOOD = `00-${ID}-${PARENT}-01`
const KEY = '11111111-2222-4333-8444-555555555555'

describe('the trace of a POST', () => {
  it('is kept as it is', () => {
    expect(traceOf(GOOD, undefined)).to.equal(GOOD)
    expect(traceOf(GOOD, 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')).to.equal(
      `${GOOD} rojo=00f067aa0ba902b7,congo=t61rcWkgMzE`,
    )
  })

  it('keeps the flags that are known, and of a later version what version 00 knows', () => {
    expect(traceOf(`00-${ID}-${PARENT}-ff`, undefined)).to.equal(`00-${ID}-${PARENT}-03`)
    expect(traceOf(`cc-${ID}-${PARENT}-01-what-comes`, undefined)).to.equal(GOOD)
    expect(traceOf(`cc-${ID}-${PARENT}-01`, undefined)).to.equal(GOOD)
  })

  for (const bad of [
    undefined,
    '',
    'x',
    `00-${ID}-${PARENT}-01-more`,
    `cc-${ID}-${PARENT}-01more`,
    `ff-${ID}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${PARENT}-01`,
    `00-${ID}-${PARENT}-1`,
    ` ${GOOD}`,
    `${GOOD},${GOOD}`,
    `${GOOD}\n`,
  ])
    it(`is none where traceparent is ${JSON.stringify(bad)}`, () => {
      expect(traceOf(bad, 'a=b')).to.equal(undefined)
    })

  for (const [state, kept] of [
    ['a=b , c=d', 'a=b,c=d'],
    ['a=b,,\t,c=d', 'a=b,c=d'],
    ['tenant@system=1', 'tenant@system=1'],
    ['a= b', 'a= b'],
    [Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(), Array.from({ length: 32 }, (_, i) => `k${i}=v`).join()],
  ] as const)
    it(`keeps the tracestate ${JSON.stringify(state).slice(0, 40)}`, () => {
      expect(traceOf(GOOD, state)).to.equal(`${GOOD} ${kept}`)
    })

  for (const state of [
    '',
    ',',
    'a',
    'A=b',
    'a=b=c',
    'a=b,a=c',
    'a=',
    'a=\u00fc',
    `a=${'x'.repeat(257)}`,
    Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(),
    Array.from({ length: 3 }, (_, i) => `k${i}=${'v'.repeat(200)}`).join(),
  ])
    it(`leaves out the tracestate ${JSON.stringify(state).slice(0, 40)}`, () => {
      expect(traceOf(GOOD, state)).to.equal(GOOD)
    })
})

describe('the trace of a request', () => {
  it('has a new parent id, and else what the task has kept', () => {
    const randoms = [0.5, 0.999_999_999_9]
    expect(newTrace(`${GOOD} a=b`, KEY, () => randoms.shift() ?? 0)).to.equal(`00-${ID}-80000000ffffffff-01 a=b`)
  })

  it('begins with the key of a task that has kept none', () => {
    expect(traceOfTask(null, KEY)).to.equal('00-11111111222243338444555555555555-1111111122224333-01')
    expect(newTrace(null, KEY, () => 0.25)).to.equal('00-11111111222243338444555555555555-4000000040000000-01')
  })

  it('is one header, or two', () => {
    expect(headersOfTrace(GOOD)).to.deep.equal(['traceparent', GOOD])
    expect(headersOfTrace(`${GOOD} a= b`)).to.deep.equal(['traceparent', GOOD, 'tracestate', 'a= b'])
  })
})
