// Raw connections against the tables of rows: what is sent, what must come back, and what becomes of the connection.
import { expect } from 'chai'
import { Conversation } from './conversation.ts'
import { expectProblem, type Ground } from './ground.ts'
import { bytes, plain } from './http.ts'
import { ENDINGS } from './rows/endings.ts'
import { FRAMING } from './rows/framing.ts'
import { HEADERS, REQUEST_LINES } from './rows/heads.ts'
import type { Row, Statuses } from './rows/row.ts'

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  'where a body ends': FRAMING,
  'request lines': REQUEST_LINES,
  headers: HEADERS,
  endings: ENDINGS,
}

const PROBE = plain('GET', '/livez')
const TAKEN = { action: 'raw', payload: Buffer.from('[1]') }

/** Declares the tests: one for each row. */
export function wire(ground: Ground): void {
  for (const [name, rows] of Object.entries(TABLES))
    describe(name, () => {
      for (const row of rows) it(row.name, async () => void (await play(ground, row)))
    })

  it('has created what was answered with 302, and nothing else', async () => {
    await ground.verify()
  })
}

/** Plays a row; the milliseconds until its last answer. */
async function play(ground: Ground, row: Row): Promise<number> {
  const sent = bytes(row.send)
  const conversation = await Conversation.open(ground.port)
  const begun = performance.now()
  conversation.send(sent)
  if (row.finish === 'end') conversation.end()
  if (row.finish === 'reset') await conversation.reset()
  const { length } = row.answers
  await conversation.answered(length)
  const took = performance.now() - begun
  if (row.connection === 'open') {
    conversation.send(PROBE)
    await conversation.answered(length + 1)
    conversation.close()
  }
  expect(await conversation.closed(), 'the connection is closed').to.equal(true)
  const { answers } = conversation
  for (const answer of answers) ground.tally.count(sent, answer, took, () => play(ground, row))
  if (answers.length === 0) ground.tally.countClosed()
  const seen = answers.map(({ status }) => status)
  expect(seen, 'statuses').to.deep.equal(wantedOf(row, seen))
  for (const answer of answers) {
    if (answer.status === 302) ground.take(answer, TAKEN, sent)
    if (answer.status >= 400) expectProblem(answer, sent)
  }
  return took
}

/** The statuses of a row, and that of the probe behind them; where a row has a choice, what was seen if it is one of them. */
const wantedOf = ({ answers, connection }: Row, seen: readonly number[]): Statuses[] =>
  [...answers, ...(connection === 'open' ? [200] : [])].map((one, i) => {
    const status = seen[i] ?? 0
    return typeof one === 'number' || !one.includes(status) ? one : status
  })
