import { expect } from 'chai'
import fc from 'fast-check'
import { Head, MAX_HEAD } from '../../../src/actor/head.ts'

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

/** Whether a head takes all of a text, however it is cut. */
function taken(text: string, lengths: readonly number[] = [text.length]): boolean {
  const head = new Head()
  return chunks(text, lengths).every((chunk) => head.takes(chunk))
}

describe('the head of an answer', () => {
  it('may have just so many bytes, and not one more', () => {
    expect(taken(headOf(MAX_HEAD))).to.equal(true)
    expect(taken(headOf(MAX_HEAD + 1))).to.equal(false)
  })

  it('is followed by any number of bytes, in its chunk and after it', () => {
    expect(taken(headOf(200) + 'y'.repeat(1_000_000))).to.equal(true)
    expect(taken(headOf(200) + `y${END}`.repeat(100_000), [1_000])).to.equal(true)
  })

  it('is refused while it has no end', () => {
    expect(taken('x'.repeat(MAX_HEAD))).to.equal(true)
    expect(taken('x'.repeat(MAX_HEAD + 1))).to.equal(false)
    expect(taken('\r\n\rx'.repeat(MAX_HEAD), [7])).to.equal(false)
  })

  it('is judged alike however it is cut into chunks', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(lengths, fc.integer({ min: -3, max: 3 }), fc.nat(20_000), (cut, over, body) => {
        expect(taken(headOf(MAX_HEAD + over) + 'y'.repeat(body), cut)).to.equal(over <= 0)
      }),
      { numRuns: 200 },
    )
  })
})
