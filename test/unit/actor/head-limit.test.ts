import { expect } from 'chai'
import fc from 'fast-check'
import { HeadLimit, MAX_HEAD_BYTES } from '../../../src/actor/head-limit.ts'

const START = 'HTTP/1.1 200 OK\r\nX: '
const END = '\r\n\r\n'
const headOf = (length: number): string => START + 'x'.repeat(length - START.length - END.length) + END

/** Cuts a text into chunks of these lengths, over and over. */
function chunks(text: string, lengths: readonly number[]): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? text.length
    cut.push(Buffer.from(text.slice(at, at + length)))
    at += length
  }
  return cut
}

/** What the parser sees of a text, however it is cut; or why the connection is cut off. */
function seen(text: string, lengths: readonly number[] = [text.length]): string {
  const head = new HeadLimit()
  let all = ''
  for (const chunk of chunks(text, lengths)) {
    const part = head.pass(chunk)
    if (part instanceof Error) return part.message
    all += part.toString()
  }
  return all
}

/** Whether all of a text is shown. */
const taken = (text: string, lengths?: readonly number[]): boolean => seen(text, lengths) === text

describe('the head of an answer', () => {
  it('may have just so many bytes, and not one more', () => {
    expect(taken(headOf(MAX_HEAD_BYTES))).to.equal(true)
    expect(taken(headOf(MAX_HEAD_BYTES + 1))).to.equal(false)
  })

  it('is followed by any number of bytes, in its chunk and after it', () => {
    expect(taken(headOf(200) + 'y'.repeat(1_000_000))).to.equal(true)
    expect(taken(headOf(200) + `y${END}`.repeat(100_000), [1_000])).to.equal(true)
  })

  it('is refused while it has no end', () => {
    expect(taken('x'.repeat(MAX_HEAD_BYTES))).to.equal(true)
    expect(taken('x'.repeat(MAX_HEAD_BYTES + 1))).to.equal(false)
    expect(taken('\r\n\rx'.repeat(MAX_HEAD_BYTES), [7])).to.equal(false)
  })

  it('is judged alike however it is cut into chunks', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(lengths, fc.integer({ min: -3, max: 3 }), fc.nat(20_000), (cut, over, body) => {
        expect(taken(headOf(MAX_HEAD_BYTES + over) + 'y'.repeat(body), cut)).to.equal(over <= 0)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a 1xx before the answer', () => {
  const ANSWER = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\n1'
  const INTERIM: Readonly<Record<string, string>> = {
    'a 100': 'HTTP/1.1 100 Continue\r\n\r\n',
    'a 100 without a reason': 'HTTP/1.1 100\r\n\r\n',
    'a 100 of HTTP/1.0': 'HTTP/1.0 100 Continue\r\n\r\n',
    'a 100 that says close': 'HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n',
    'a 100 with a length': 'HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n',
    'a 102': 'HTTP/1.1 102 Processing\r\n\r\n',
    'a 103 with fields': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n',
    'a 199': 'HTTP/1.1 199 Whatever\r\n\r\n',
  }
  const all = Object.values(INTERIM).join('')
  const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })

  for (const [name, text] of Object.entries(INTERIM))
    it(`is passed over: ${name}`, () => {
      for (const cut of [[1_000], [1], [7], [text.length], [text.length - 1], [text.length + 4]])
        expect(seen(text + ANSWER, cut)).to.equal(ANSWER)
    })

  it('is passed over however often it comes and however it is cut into chunks', () => {
    fc.assert(
      fc.property(lengths, (cut) => {
        expect(seen(all + ANSWER, cut)).to.equal(ANSWER)
        expect(seen(`\r\n${all}\r\n${all}${ANSWER}`, cut)).to.equal(ANSWER)
      }),
    )
  })

  it('is passed over only before the answer: the body and what follows are shown', () => {
    const answer = `${ANSWER}${all}${all}`
    for (const cut of [[1_000], [1], [5]]) expect(seen(all + answer, cut)).to.equal(answer)
  })

  it('counts as part of the head', () => {
    const room = MAX_HEAD_BYTES - all.length
    expect(seen(all + headOf(room))).to.equal(headOf(room))
    for (const cut of [undefined, [1], [100], [5_000]])
      expect(seen(all + headOf(room + 1), cut)).to.equal('the head of the answer is too long')
  })

  it('is cut off where it has no end, and where it comes for ever', () => {
    const endless = `HTTP/1.1 103 Early Hints\r\nA: ${'x'.repeat(MAX_HEAD_BYTES)}`
    const forever = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)
    for (const text of [endless, forever, '\r\n'.repeat(MAX_HEAD_BYTES)])
      for (const cut of [undefined, [1], [1_000]])
        expect(seen(text, cut)).to.equal('the head of the answer is too long')
  })

  it('is not passed over as 101, which ends HTTP on this connection', () => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'
    for (const cut of [undefined, [1], [10]])
      expect(seen(all + switched, cut)).to.equal('the service switched to another protocol (101)')
  })

  it('is none where its first line is not one: the parser says what is wrong', () => {
    for (const text of [
      'HTTP/1.1 1000 A\r\n\r\n',
      'HTTP/1.1 10\r\n\r\n',
      'HTTP/1.1 1 A',
      'HTTQ/1.1 100 A\r\n\r\n',
      'SSH-2.0',
    ])
      for (const cut of [undefined, [1]]) expect(seen(text, cut)).to.equal(text)
  })
})
