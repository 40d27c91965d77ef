// The messages of Postgres, so far as they are looked into.
import { expect } from 'chai'
import { Frames } from '../../../src/store/frames.ts'

const message = (type: string, body: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + body.length)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
}
const READY = message('Z', 'I')
const ERROR = message('E', 'SERROR\0C57014\0Mtext\0\0')

/** What is thrown where the bytes come in pieces of so many. */
function thrown(bytes: Buffer, size: number, asked = 1): string | undefined {
  const frames = new Frames()
  for (let i = 0; i < asked; i += 1) frames.asked()
  try {
    for (let i = 0; i < bytes.length; i += size) frames.read(bytes.subarray(i, i + size))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

describe('the messages of Postgres', () => {
  for (const size of [1, 3, 7, 1_000]) {
    const rows: readonly [string, Buffer, string | undefined][] = [
      ['rows, an error and readiness', Buffer.concat([message('D', 'x'.repeat(50)), ERROR, READY]), undefined],
      ['messages without a body', Buffer.concat([message('1', ''), message('2', ''), READY]), undefined],
      ['an error without an end', message('E', 'SERROR\0Mtext\0'), 'an error without an end'],
      ['an error whose last field has no end', message('E', 'SERROR\0Mtext'), 'an error without an end'],
      ['an error with something behind its end', message('E', 'SERROR\0\0x'), 'an error without an end'],
      ['a notice without anything', message('N', ''), 'an error without an end'],
      ['readiness twice', Buffer.concat([READY, READY]), 'an answer to nothing'],
      ['a length of 3', Buffer.from('D\0\0\0\x03', 'latin1'), 'a message of a length that none has'],
      ['a length of 2 GiB', Buffer.from('D\x80\0\0\0', 'latin1'), 'a message of a length that none has'],
    ]
    for (const [name, bytes, expected] of rows)
      it(`are ${expected === undefined ? 'read' : 'refused'}: ${name}, ${size} bytes at a time`, () =>
        expect(thrown(bytes, size)).to.equal(expected))
  }

  it('may say as often that they are ready as they were asked', () =>
    expect(thrown(Buffer.concat([READY, READY]), 4, 2)).to.equal(undefined))
})
