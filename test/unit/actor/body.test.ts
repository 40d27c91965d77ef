import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { bodyOf } from '../../../src/actor/body.ts'
import type { Body } from '../../../src/core/answers.ts'
import { ERROR_BODY, MAX_BODY } from '../../../src/core/limits.ts'

const PACKS = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  GZIP: gzipSync,
  deflate: deflateSync,
  ' deflate ': deflateRawSync,
  br: brotliCompressSync,
} as const
const TEXT = '{"a":[1,"\u00fc"]}'
const MARK = '\ufeff'

/** The body of these bytes, of which at most `cap` are read. */
const read = (bytes: Buffer | string, encoding?: string, cap = MAX_BODY): Body => {
  const all = Buffer.from(bytes)
  return bodyOf({ bytes: all.subarray(0, cap), large: all.length > cap, cap, encoding })
}
const json = (text: string) => ({ kind: 'json', text })
const text = (shown: string, why: string) => ({ kind: 'text', text: shown, why })

describe('the body of an answer', () => {
  for (const [encoding, pack] of Object.entries(PACKS)) {
    it(`is unpacked where it is compressed, as ${JSON.stringify(encoding)}`, () => {
      expect(read(pack(Buffer.from(TEXT)), encoding)).to.deep.equal(json(TEXT))
      expect(read(pack(Buffer.from(MARK + TEXT)), encoding)).to.deep.equal(json(TEXT))
      expect(read(pack(Buffer.alloc(0)), encoding)).to.deep.equal({ kind: 'empty', text: '' })
      expect(read(pack(Buffer.from('no')), encoding)).to.deep.equal(text('no', 'it is malformed'))
    })

    it(`may have 1 MiB when it is unpacked, and not one byte more, as ${JSON.stringify(encoding)}`, () => {
      const full = `"${'x'.repeat(MAX_BODY - 2)}"`
      expect(read(pack(Buffer.from(full)), encoding)).to.deep.equal(json(full))
      expect(read(pack(Buffer.from(`${full} `)), encoding)).to.deep.equal({ kind: 'large', text: '' })
    })

    it(`of an error is shown as far as it was read, as ${JSON.stringify(encoding)}`, () => {
      const noise = randomBytes(80_000).toString('hex')
      const shown = read(pack(Buffer.from(noise)), encoding, ERROR_BODY)
      expect(shown.kind).to.equal('text')
      expect(shown.text).to.have.length(ERROR_BODY)
      expect(noise.startsWith(shown.text)).to.equal(true)
      const long = read(pack(Buffer.alloc(200_000, 'x')), encoding, ERROR_BODY)
      expect(long).to.deep.equal({ kind: 'text', text: 'x'.repeat(ERROR_BODY) })
    })

    it(`is named where it cannot be unpacked, as ${JSON.stringify(encoding)}`, () => {
      const cut = pack(Buffer.from(TEXT)).subarray(0, -3)
      expect(read(cut, encoding)).to.include({
        kind: 'text',
        why: `it is compressed (${encoding.trim().toLowerCase()}) and could not be unpacked`,
      })
    })

    it(`is as it is where it is JSON although it says ${JSON.stringify(encoding)}`, () => {
      expect(read(TEXT, encoding)).to.deep.equal(json(TEXT))
    })
  }

  it('never grows beyond its limit, however much is packed in it', () => {
    const zeros = Buffer.alloc(50 * MAX_BODY)
    const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
    for (const [encoding, bomb] of [
      ['gzip', gzipSync(zeros)],
      ['br', brotliCompressSync(zeros, quick)],
    ] as const) {
      expect(bomb.length).to.be.below(MAX_BODY)
      const before = process.memoryUsage().arrayBuffers
      expect(read(bomb, encoding)).to.deep.equal({ kind: 'large', text: '' })
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(20 * MAX_BODY)
    }
  })

  it('is known to be gzip by its first bytes, where no header says so', () => {
    expect(read(gzipSync(TEXT))).to.deep.equal(json(TEXT))
    expect(read(gzipSync(TEXT), 'identity')).to.deep.equal(json(TEXT))
  })

  it('is named where nobody here can unpack it', () => {
    const zstd = Buffer.from('28b52ffd0408', 'hex')
    expect(read(zstd)).to.include({ kind: 'text', why: 'it is compressed (zstd) and could not be unpacked' })
    expect(read(zstd, 'zstd')).to.include({ why: 'it is compressed (zstd) and could not be unpacked' })
    expect(read('x', 'gzip, br')).to.include({ why: 'it is compressed (gzip, br) and could not be unpacked' })
    expect(read('x', 'y'.repeat(99)).why).to.have.length.below(100)
  })

  it('has no byte order mark', () => {
    expect(read(MARK + TEXT)).to.deep.equal(json(TEXT))
    expect(read(`${MARK}text`)).to.deep.equal(text('text', 'it is malformed'))
    expect(read(MARK)).to.deep.equal({ kind: 'empty', text: '' })
    expect(read(MARK + MARK + TEXT)).to.include({ kind: 'text' })
  })

  it('says why it is no JSON', () => {
    expect(read('{"a":')).to.deep.equal(text('{"a":', 'it is malformed'))
    expect(read(Buffer.from([0x22, 0xff, 0x22]))).to.deep.equal(text('"\ufffd"', 'it is not UTF-8'))
    expect(read('['.repeat(513) + ']'.repeat(513)).why).to.equal('it is nested more than 512 deep')
  })

  it('keeps its bytes where it is JSON, whatever they are', () => {
    for (const kept of ['0', ' {"a" :1.0}\n', '"\\ud800"', '[1e400]']) expect(read(kept)).to.deep.equal(json(kept))
  })
})
