// What a sealed text is: it opens under its own name with its own key, and nothing else passes for one.
import { expect } from 'chai'
import { isSealedFailure, keyId, MARK, sealsOf, withoutBody } from '../../../src/store/seal.ts'

const [A, B] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string]
const NAME = '00000000-0000-4000-8000-000000000001.payload'
const plain = sealsOf()
const seals = sealsOf([A])

const VALUES: Readonly<Record<string, string>> = {
  nothing: '{}',
  'JSON that a parser would change': '{"n":1.50, "n":12345678901234567890, "t":"\\u0000\\ud800"}',
  'all of Unicode': JSON.stringify('Zoë \u{1f600} \u2028'),
  'whitespace around it': ' \n[1]\r\n',
  'a text of 1 MiB': JSON.stringify('x'.repeat(1024 * 1024 - 2)),
  'what looks sealed': `${MARK}"${keyId(A)} ${NAME} AAAA"`,
  'what looks like an object around a sealed text': `${MARK}{"state" : ${MARK}"${keyId(A)} ${NAME} AAAA"}`,
  'what looks as if it began with the mark': `${MARK}\t{}`,
}

describe('a seal', () => {
  for (const [what, value] of Object.entries(VALUES)) {
    it(`gives back ${what} to the byte`, () => {
      const stored = seals.close(value, NAME)
      expect(stored.startsWith(`${MARK}"${keyId(A)} ${NAME} `)).to.equal(true)
      expect(seals.open(stored, [NAME])).to.equal(value)
    })

    it(`is none without keys: ${what} is read as it was written, with keys and without`, () => {
      const stored = plain.close(value, NAME)
      if (!value.startsWith(MARK)) expect(stored).to.equal(value)
      expect([plain, seals].map((one) => one.open(stored, [NAME]))).to.deep.equal([value, value])
    })
  }

  it('is JSON, so that Postgres takes it', () => {
    expect(JSON.parse(seals.close('{"a":1}', NAME))).to.be.a('string')
  })

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 2_000 }, () => seals.close('{}', NAME))).size).to.equal(2_000)
  })

  it('opens under a name that the row accepts, and under no other', () => {
    const stored = seals.close('{}', NAME)
    expect(seals.open(stored, ['x.state', NAME])).to.equal('{}')
    for (const names of [[], [null], ['x.payload'], [NAME.replace('payload', 'state')]])
      expect(seals.open(stored, names)).to.equal(undefined)
  })

  it('does not open under a name that was put in place of its own', () => {
    const other = NAME.replace('payload', 'state')
    expect(seals.open(seals.close('{}', NAME).replace(NAME, other), [other])).to.equal(undefined)
  })

  it('opens by any of the keys, and is closed by the first', () => {
    const stored = seals.close('{}', NAME)
    expect(sealsOf([B, A]).open(stored, [NAME])).to.equal('{}')
    expect(sealsOf([B]).open(stored, [NAME])).to.equal(undefined)
    expect(plain.open(stored, [NAME])).to.equal(undefined)
    expect(sealsOf([B, A]).close('{}', NAME)).to.include(keyId(B))
  })

  it('does not open once any bit of it is another one', () => {
    const stored = seals.close('{"a":1}', NAME)
    for (let at = MARK.length + 1; at < stored.length - 1; at += 1)
      for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
        const altered = `${stored.slice(0, at)}${String.fromCharCode(stored.charCodeAt(at) ^ bit)}${stored.slice(at + 1)}`
        expect(seals.open(altered, [NAME]), altered).to.equal(undefined)
      }
  })

  it('leaves alone what is of no form of ours', () => {
    expect(seals.open(`${MARK}[1]`, [NAME])).to.equal(`${MARK}[1]`)
  })
})

describe('the seal of a failure', () => {
  const failure = JSON.stringify({ code: 'service_error', detail: ',"body":', status: 500, body: '"secret" Zoë \0' })

  it('hides its body and nothing else', () => {
    const stored = seals.closeFailure(failure, NAME)
    expect(stored).not.to.include('secret')
    expect(JSON.parse(stored)).to.include({ code: 'service_error', detail: ',"body":', status: 500 })
    expect(isSealedFailure(stored)).to.equal(true)
    expect(seals.openFailure(stored, [NAME])).to.equal(failure)
  })

  it('leaves the rest to read where the body cannot be opened', () => {
    const stored = seals.closeFailure(failure, NAME)
    expect(plain.openFailure(stored, [NAME])).to.equal(undefined)
    expect(JSON.parse(withoutBody(stored))).to.deep.equal({ code: 'service_error', detail: ',"body":', status: 500 })
  })

  it('is none where there is no body, and without keys', () => {
    const bare = JSON.stringify({ code: 'cancelled', detail: 'x' })
    expect(seals.closeFailure(bare, NAME)).to.equal(bare)
    expect(plain.closeFailure(failure, NAME)).to.equal(failure)
    expect(seals.openFailure(failure, [NAME])).to.equal(failure)
  })
})

describe('an object that SQL has made around a sealed text', () => {
  const around = (inner: string): string =>
    `${MARK}{ "location" : "/tasks/1", "state" : ${inner}, "labels" : {"a": "b"} }`

  for (const [what, value] of Object.entries(VALUES))
    it(`opens around ${what}`, () => {
      const expected = `{ "location" : "/tasks/1", "state" : ${value}, "labels" : {"a": "b"} }`
      expect(seals.open(around(seals.close(value, NAME)), [NAME])).to.equal(expected)
      if (value.startsWith(MARK)) expect(seals.open(around(plain.close(value, NAME)), [])).to.equal(expected)
    })

  it('opens around another one', () => {
    const inner = around(seals.close('{"x":1}', NAME))
    expect(seals.open(around(inner), [NAME])).to.equal(around(around('{"x":1}')).replaceAll(MARK, ''))
  })

  it('opens around a failure', () => {
    const failure = '{"code":"x","detail":"y","body":"z"}'
    const text = `${MARK}{ "error" : ${seals.closeFailure(failure, NAME)} }`
    expect(seals.open(text, [NAME])).to.equal(`{ "error" : ${failure} }`)
  })

  it('does not open where what is in it does not', () => {
    expect(seals.open(around(seals.close('{}', 'another')), [NAME])).to.equal(undefined)
  })
})
