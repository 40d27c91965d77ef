// What the log keeps of a try.
import { expect } from 'chai'
import type { Body, Reply } from '../../../src/core/answers.ts'
import { attemptOf } from '../../../src/core/attempts.ts'
import type { Failure } from '../../../src/core/failures.ts'
import type { AttemptLog } from '../../../src/core/service.ts'

const FAILURE: Failure = { code: 'service_error', detail: 'The service answered 500.' }
const answer = (status: number, text = '', kind: Body['kind'] = 'text'): Reply => ({
  kind: 'answer',
  status,
  retryAfter: undefined,
  body: { kind, text },
})
const kept = (reply: Reply, log: AttemptLog = 'failures', failure: Failure | undefined = FAILURE) =>
  attemptOf(reply, { step: 2, attempt: 3, ms: 4.6, wait: 5.5, failure }, log)
const bodyOf = (text: string): string | null | undefined => kept(answer(500, text))?.body

describe('a try in the log', () => {
  it('has its place, how long it took in whole ms, the wait, and the detail of its failure', () => {
    expect(kept(answer(500, 'no'))).to.deep.equal({
      step: 2,
      attempt: 3,
      ms: 5,
      outcome: '500',
      detail: FAILURE.detail,
      wait: 5.5,
      body: 'no',
    })
  })

  const OUTCOMES: readonly [Reply, string][] = [
    [answer(404), '404'],
    [answer(206, 'x'), '206'],
    [{ kind: 'timeout' }, 'timeout'],
    [{ kind: 'unreachable', detail: 'ECONNREFUSED' }, 'refused'],
    [{ kind: 'unreachable', detail: 'ECONNRESET' }, 'reset'],
    [{ kind: 'unreachable', detail: 'EPIPE' }, 'reset'],
    [{ kind: 'unreachable', detail: 'ENOTFOUND' }, 'no address'],
    [{ kind: 'unreachable', detail: 'EHOSTUNREACH' }, 'no route'],
    [{ kind: 'unreachable', detail: 'the head of the answer is too long' }, 'reset'],
    [{ kind: 'lacking', detail: 'EMFILE' }, 'lacking'],
  ]
  for (const [reply, outcome] of OUTCOMES)
    it(`calls ${JSON.stringify(reply).slice(0, 60)} ${outcome}`, () => {
      expect(kept(reply)?.outcome).to.equal(outcome)
    })

  it('is one that was no plain 200 or 206, or any, or none, as the service says', () => {
    for (const status of [200, 206]) {
      const plain = answer(status, '{}', 'json')
      expect(attemptOf(plain, { step: 0, attempt: 1, ms: 1, wait: null }, 'failures')).to.equal(undefined)
      expect(attemptOf(plain, { step: 0, attempt: 1, ms: 1, wait: null }, 'all')).to.include({
        body: null,
        detail: null,
      })
      expect(kept(plain, 'failures')).to.include({ outcome: String(status) })
    }
    expect(attemptOf(answer(201), { step: 0, attempt: 1, ms: 1, wait: null }, 'failures')).to.include({
      outcome: '201',
    })
    for (const reply of [answer(200), answer(500), { kind: 'timeout' } as const])
      expect(kept(reply, 'none')).to.equal(undefined)
  })

  for (const [what, text, shown] of [
    ['all of a short body', 'x'.repeat(4_096), 'x'.repeat(4_096)],
    ['4,096 bytes of a longer one', 'x'.repeat(4_097), 'x'.repeat(4_096)],
    ['no half of a character of two bytes', `x${'é'.repeat(4_000)}`, `x${'é'.repeat(2_047)}`],
    ['no part of one of three', '€'.repeat(4_000), '€'.repeat(1_365)],
    ['no part of one of four', `xy${'😀'.repeat(4_000)}`, `xy${'😀'.repeat(1_023)}`],
    ['no half of a pair at the end', `${'x'.repeat(4_095)}😀`, 'x'.repeat(4_095)],
    ['a whole pair at the end', `${'x'.repeat(4_092)}😀y`, `${'x'.repeat(4_092)}😀`],
    ['a mark at the beginning', '\ufeffx', '\ufeffx'],
    ['something else for NUL', 'a\0b', 'a\ufffdb'],
  ] as const)
    it(`keeps ${what}`, () => {
      expect(bodyOf(text)).to.equal(shown)
    })

  it('keeps no body where there is none', () => {
    expect(bodyOf('')).to.equal(null)
    expect(kept({ kind: 'timeout' })?.body).to.equal(null)
  })
})
