// Callers with a key that counts, with one that does not, and with none: what each sends, and which answers are right.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { ROUTES } from '../../src/api/routes.ts'
import { expectProblem, type Ground } from './ground.ts'
import { bytes, plain, post, request, shown } from './http.ts'
import { taskIn } from './oracle.ts'
import { body, edited } from './texts.ts'

/** Headers in which no key is, whatever else they are. */
const CREDENTIALS: readonly string[] = [
  'Bearer tk_stranger',
  'Bearer',
  'Bearer ',
  'Basic a2V5OnRrX2hvc3RpbGU=',
  'tk_hostile',
  'Bearer\ttk_hostile',
  'Bearer tk_hostile tk_hostile',
  'Bearer "tk_hostile"',
  'Bearer tk_hostil',
  'Bearer tk_hostile,',
  'bearer TK_HOSTILE',
  `Bearer ${'a'.repeat(8_000)}`,
  `Bearer ${' '.repeat(8_000)}`,
  `${'Bearer '.repeat(900)}tk_hostile`,
].map((value) => `Authorization: ${value}`)

const OTHERS = words(`
  X-Authorization Proxy-Authorization Authorization2 X-Api-Key Cookie X-Forwarded-User X-HTTP-Method-Override
`).map((name) => `${name}: Bearer tk_hostile`)

/** A line that a request has in place of a key. Line breaks would end the request. */
const credential = fc.oneof(
  { arbitrary: fc.constant<string[]>([]), weight: 2 },
  { arbitrary: fc.constantFrom(...CREDENTIALS, ...OTHERS).map((line) => [line]), weight: 4 },
  {
    arbitrary: edited(fc.constant(bytes('Authorization: Bearer tk_stranger')))
      .map((line) => [line.toString('latin1')])
      .filter(([line = '']) => /^[^\r\n]+$/s.test(line)),
    weight: 4,
  },
)

const GUARDED = ROUTES.filter(({ needs }) => needs !== 'open')

const asked = fc
  .tuple(fc.constantFrom(...GUARDED), fc.constantFrom('1', '2', 'svc', '%00', 'reload'), fc.boolean())
  .map(
    ([{ method, path }, name, inQuery]) =>
      [method, path.replace(/:\w+/, name) + (inQuery ? '?view=full' : '')] as const,
  )

/** Paths that are one slip away from that of a task, but not that of the front page, which is open. */
const nearly = edited(fc.constant(bytes('/tasks/1')))
  .map((path) => path.toString('latin1').replaceAll(/[\r\n]/g, ''))
  .filter((path) => !/^ *\/(?:$|[? ])/.test(path))

/** A request that no key is in, and the statuses that are right. 400: it has a byte that none may have. */
const stranger = fc.oneof(
  fc
    .tuple(asked, credential)
    .map(([[method, path], lines]) => ({ sent: latin(plain(method, path), lines), wanted: [400, 401] })),
  fc.tuple(asked, credential, body).map(([[method, path], lines, text]) => ({
    sent: latin(request(`${method} ${path}`, ['Content-Type: application/json'], Buffer.from(text)), lines),
    wanted: [400, 401],
  })),
  fc
    .tuple(nearly, credential)
    .map(([path, lines]) => ({ sent: latin(plain('GET', path), lines), wanted: [400, 401, 404, 405] })),
)

const sample = <T>(arbitrary: fc.Arbitrary<T>, seed: number, count: number): T[] =>
  fc.sample(arbitrary, { seed, numRuns: count })

/** Sends so many bodies with a key, and twice as many requests without one. Only what came with the key is there afterwards. */
export async function mixed(ground: Ground, seed: number, count: number): Promise<void> {
  const whole = body.map((text) => Buffer.from(text))
  const bodies = sample(fc.oneof(whole, edited(whole)), seed, count)
  const known = ground.judgeAll(bodies.map((text) => ({ sent: post(text), task: taskIn(text) })))
  const requests = sample(stranger, seed, 2 * count)
  const answers = await ground.bare.askAll(requests.map(({ sent }) => sent))
  await known
  for (const [i, { sent, wanted }] of requests.entries()) {
    const answer = answers[i]
    expect(answer?.status, shown(sent)).to.be.oneOf(wanted)
    if (answer) expectProblem(answer, sent)
  }
  await ground.verify()
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}

/** A request with further lines, byte for byte. */
function latin(sent: Buffer, lines: readonly string[]): Buffer {
  const end = sent.indexOf('\r\n') + 2
  return Buffer.concat([sent.subarray(0, end), bytes(lines.map((line) => `${line}\r\n`).join('')), sent.subarray(end)])
}
