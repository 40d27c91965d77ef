// The naughty strings in every place where a caller can put one, and what the contract says of each.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { expectProblem, type Ground } from './ground.ts'
import { type Answer, plain, post, shown, taskBody } from './http.ts'
import { isAction, isId, isName, type Valid } from './oracle.ts'

const LIST = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('big-list-of-naughty-strings')), 'utf8'),
) as readonly string[]

/** Those of the package, and some that it lacks. */
const STRINGS: readonly string[] = LIST.concat(
  ['svc', 'svc ', 'svc\0', 'SVC', 'ｓｖｃ', 'svc\u200b', 'toString', 'hasOwnProperty', '%s%s%n', '${jndi:ldap://x}'],
  ['\ud800', '\udfff\ud800', '\u0000', '\ufeff', '\u2028', 'a'.repeat(200), 'a'.repeat(201), '.', '..', '...', '~'],
)

interface Naughty {
  readonly sent: Buffer
  readonly task: Valid | undefined
}

const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** A string as it is sent: a lone surrogate has no UTF-8, and becomes U+FFFD. */
const wellFormed = (string: string): string => Buffer.from(string).toString()

const encoded = (string: string): string => encodeURIComponent(wellFormed(string))

/** Where a string stands in the body of a task. */
const MEMBERS: Readonly<Record<string, (string: string) => Naughty>> = {
  'as the service': (string) => ({
    sent: post(text({ service: string, action: 'ok', payload: 0 })),
    task: string === 'svc' ? { action: 'ok', payload: text(0) } : undefined,
  }),
  'as the action': (string) => ({
    sent: post(text({ service: 'svc', action: string, payload: [] })),
    task: isAction(string) ? { action: string, payload: text([]) } : undefined,
  }),
  'as a member': (string) => ({
    sent: post(text({ service: 'svc', action: 'ok', [`${string} `]: 0 })),
    task: undefined,
  }),
  'as the payload': (string) => taken(text(string)),
  'as the payload, in escapes': (string) => taken(Buffer.from(escaped(string)), 'ok'),
  'as a key of the payload': (string) => taken(Buffer.from(`{${JSON.stringify(string)}:${JSON.stringify([string])}}`)),
  'as the payload, as it is': (string) => {
    const payload = Buffer.from(string)
    return {
      sent: post(taskBody('same', payload)),
      task: isJson(string) ? { action: 'same', payload: trimmed(string) } : undefined,
    }
  },
}

const taken = (payload: Buffer, action = 'loop'): Naughty => ({
  sent: post(taskBody(action, payload), ['Prefer: return=representation']),
  task: { action, payload },
})

/** A string literal of escapes alone. */
const escaped = (string: string): string =>
  `"${Array.from({ length: string.length }, (_, i) => `\\u${string.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`

const trimmed = (string: string): Buffer => Buffer.from(string.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''))

function isJson(string: string): boolean {
  try {
    JSON.parse(wellFormed(string))
    return true
  } catch {
    return false
  }
}

interface Target {
  request(string: string): Buffer
  /** What the contract says of it; undefined: it may be refused with 400 or 404, or be no business of ours (200). */
  status(string: string, ground: Ground): number | undefined
}

const query = (name: string, isGood: (string: string) => boolean): Target => ({
  request: (string) => plain('GET', `/tasks?limit=3&${name}=${encoded(string)}`),
  status: (string) => (isGood(wellFormed(string)) ? 200 : 400),
})

/** Where a string stands in a target. */
const TARGETS: Readonly<Record<string, Target>> = {
  'as the id': {
    request: (string) => plain('GET', `/tasks/${encoded(string)}`),
    status: (string, ground) => (isId(string) && ground.taken.has(`/tasks/${string}`) ? 200 : 404),
  },
  'as the id, as it is': { request: (string) => plain('GET', `/tasks/${string}`), status: () => undefined },
  'as the id of a DELETE': {
    // None of them may be the id of a task that is wanted later.
    request: (string) => plain('DELETE', `/tasks/${encoded(string)}${isId(string) ? '000000' : ''}`),
    status: () => 404,
  },
  'as the path': {
    request: (string) => plain('GET', `/${encoded(string)}`),
    status: (string) => (string === '' ? 200 : 404),
  },
  'as a view': {
    request: (string) => plain('GET', `/tasks/1?view=${encoded(string)}`),
    status: (string) => (string === 'full' ? 200 : 400),
  },
  'as before': query('before', isId),
  'as status': query('status', (string) => ['pending', 'running', 'complete', 'failed'].includes(string)),
  'as service': query('service', isName),
  'as action': query('action', isAction),
  'as a parameter': query('', () => false),
  'as the name of a parameter': {
    request: (string) => plain('GET', `/tasks?x${encoded(string)}=1`),
    status: () => 400,
  },
  'as the query, as it is': { request: (string) => plain('GET', `/tasks?limit=1&${string}`), status: () => undefined },
}

/** Whether a header can hold a string: tabs, but no other control character (RFC 9110, 5.5). */
const isField = (string: string): boolean =>
  Buffer.from(string).every((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f))

/** Headers in which a string stands, in a GET that has no body, and the statuses that are right. */
const FIELDS: Readonly<Record<string, readonly number[]>> = {
  'X-Naughty': [200],
  Prefer: [200],
  'Content-Type': [200],
  'Idempotency-Key': [200],
  'If-None-Match': [200],
  Expect: [200],
}

/** Declares the tests. */
export function naughty(ground: Ground): void {
  for (const [where, make] of Object.entries(MEMBERS))
    it(`takes or refuses each string ${where}`, () => ground.judgeAll(STRINGS.map(make)))

  it('brings what it took to the service and back', async () => {
    expect(await ground.verify()).to.be.above(3 * STRINGS.length)
  })

  for (const [where, { request, status }] of Object.entries(TARGETS))
    it(`answers as the contract says to each string ${where}`, async () => {
      const sent = STRINGS.map(request)
      for (const [i, answer] of (await ground.lanes.askAll(sent)).entries()) {
        const wanted = status(STRINGS[i] ?? '', ground)
        expectStatus(answer, sent[i] ?? Buffer.alloc(0), wanted === undefined ? [200, 400, 404] : [wanted])
      }
    })

  for (const [name, allowed] of Object.entries(FIELDS))
    it(`is not impressed by any string in ${name}`, async () => {
      const sent = STRINGS.map((string) => plain('GET', '/livez', [`${name}: ${string}`]))
      for (const [i, answer] of (await ground.lanes.askAll(sent)).entries())
        expectStatus(answer, sent[i] ?? Buffer.alloc(0), isField(STRINGS[i] ?? '') ? allowed : [400])
    })

  it('takes a task with any string in Prefer', async () => {
    const task = { action: 'ok', payload: text(1) }
    await ground.judgeAll(
      STRINGS.filter(isField).map((string) => ({ sent: post(taskBody('ok', text(1)), [`Prefer: ${string}`]), task })),
    )
    await ground.verify()
  })
}

function expectStatus(answer: Answer, sent: Buffer, allowed: readonly number[]): void {
  expect(answer.status, shown(sent)).to.be.oneOf(allowed)
  if (answer.status >= 400) expectProblem(answer, sent)
}
