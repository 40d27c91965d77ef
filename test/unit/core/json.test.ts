// The JSON scanner against JSON.parse, against texts that are built with known depths, and against nasty cases.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { asJsonString, checkJson } from '../../../src/core/json.ts'
import { MAX_DEPTH } from '../../../src/core/limits.ts'
import { jsonText, mutatedText, parses, spaced } from './json-text.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const check = (text: string): string => checkJson(bytes(text), MAX_DEPTH)

describe('core/json', () => {
  describe('checkJson', () => {
    it('accepts every JSON text, however it is spaced and escaped', () => {
      fc.assert(
        fc.property(spaced(jsonText), (text) => {
          expect(check(text)).to.equal('ok')
        }),
        { numRuns: 2000 },
      )
    })

    it('accepts a mutated text exactly when JSON.parse does', () => {
      let refused = 0
      fc.assert(
        fc.property(mutatedText, (text) => {
          // Half a pair cannot be written as UTF-8: what arrives is then another text.
          const arrived = bytes(text).toString()
          if (!parses(arrived)) refused++
          expect(check(arrived)).to.equal(parses(arrived) ? 'ok' : 'malformed')
        }),
        { numRuns: 4000 },
      )
      expect(refused).to.be.greaterThan(500)
    })

    it('accepts short texts over the characters of numbers and literals exactly when JSON.parse does', () => {
      const unit = fc.constantFrom(
        '0',
        '1',
        '-',
        '+',
        '.',
        'e',
        'E',
        't',
        'r',
        'u',
        'true',
        'nul',
        'l',
        '[',
        ']',
        ',',
        ' ',
      )
      fc.assert(
        fc.property(fc.string({ unit, maxLength: 7 }), (text) => {
          expect(check(text)).to.equal(parses(text) ? 'ok' : 'malformed')
        }),
        { numRuns: 3000 },
      )
    })

    it('accepts any bytes exactly when they are UTF-8 and JSON.parse accepts them', () => {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      const quoted = fc.uint8Array({ maxLength: 8 }).map((inner) => Buffer.concat([bytes('"'), inner, bytes('"')]))
      fc.assert(
        fc.property(fc.oneof(quoted, fc.uint8Array({ maxLength: 8 })), (raw) => {
          let text: string | undefined
          try {
            text = decoder.decode(raw)
          } catch {
            text = undefined
          }
          expect(checkJson(raw, MAX_DEPTH)).to.equal(text !== undefined && parses(text) ? 'ok' : 'malformed')
        }),
        { numRuns: 3000 },
      )
    })

    it('measures the depth of any text', () => {
      fc.assert(
        fc.property(jsonText, (text) => {
          const depth = depthOf(JSON.parse(withUniqueNames(text)))
          expect(checkJson(bytes(text), depth)).to.equal('ok')
          if (depth > 0) expect(checkJson(bytes(text), depth - 1)).to.equal('too_deep')
        }),
        { numRuns: 1000 },
      )
    })

    const nests: [string, string, string][] = [
      ['arrays', '[', ']'],
      ['objects', '{"a":', '}'],
      ['objects after other members', '{"z":"[{","a":', '}'],
      ['arrays after other items', '[1,"]}",', ']'],
    ]
    for (const [what, open, close] of nests) {
      it(`allows ${MAX_DEPTH} nested ${what}, and not one more`, () => {
        expect(check(nest(open, MAX_DEPTH, close))).to.equal('ok')
        expect(check(nest(open, MAX_DEPTH + 1, close))).to.equal('too_deep')
      })
    }

    it('counts an empty container as a level', () => {
      expect(check('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH))).to.equal('ok')
      expect(check('['.repeat(MAX_DEPTH) + '{}' + ']'.repeat(MAX_DEPTH))).to.equal('too_deep')
    })

    it('stays on its feet with a million open brackets', () => {
      expect(check('['.repeat(1_000_000))).to.equal('too_deep')
      expect(checkJson(bytes('['.repeat(1_000_000)), 2_000_000)).to.equal('malformed')
    })

    const nasty: [string, string][] = [
      ['', 'malformed'],
      [' ', 'malformed'],
      ['\ufeff1', 'malformed'],
      ['1\ufeff', 'malformed'],
      ['\u00a01', 'malformed'],
      ['\f1', 'malformed'],
      ['1\u0000', 'malformed'],
      ['"\u0000"', 'malformed'],
      ['"\t"', 'malformed'],
      ['"\u001f"', 'malformed'],
      ['"\u007f"', 'ok'],
      ['"\u2028\u2029"', 'ok'],
      ['"\\u0000"', 'ok'],
      ['"\\ud800"', 'ok'],
      ['"\\udc00\\ud800"', 'ok'],
      ['"\\u12"', 'malformed'],
      ['"\\u12g4"', 'malformed'],
      ['"\\U0000"', 'malformed'],
      ['"\\x41"', 'malformed'],
      ["'a'", 'malformed'],
      ['"\\"', 'malformed'],
      ['"', 'malformed'],
      ['01', 'malformed'],
      ['-', 'malformed'],
      ['-01', 'malformed'],
      ['-0', 'ok'],
      ['+1', 'malformed'],
      ['.5', 'malformed'],
      ['1.', 'malformed'],
      ['1.e5', 'malformed'],
      ['1e', 'malformed'],
      ['1e+', 'malformed'],
      ['1E+05', 'ok'],
      ['1e400', 'ok'],
      ['0x10', 'malformed'],
      ['NaN', 'malformed'],
      ['Infinity', 'malformed'],
      ['True', 'malformed'],
      ['nul', 'malformed'],
      ['nulll', 'malformed'],
      ['[1,]', 'malformed'],
      ['[,1]', 'malformed'],
      ['[1 2]', 'malformed'],
      ['[1}', 'malformed'],
      ['{"a":1]', 'malformed'],
      ['{"a"}', 'malformed'],
      ['{"a":}', 'malformed'],
      ['{"a":1,}', 'malformed'],
      ['{,}', 'malformed'],
      ['{a:1}', 'malformed'],
      ['{1:1}', 'malformed'],
      ['{"a":1 "b":2}', 'malformed'],
      ['{"a":1,"a":2}', 'ok'],
      ['{"__proto__":1}', 'ok'],
      ['{"":{"":[]}}', 'ok'],
      ['1 2', 'malformed'],
      ['{}{}', 'malformed'],
      ['[]]', 'malformed'],
      ['// a\n1', 'malformed'],
      ['[1]/**/', 'malformed'],
    ]
    for (const [text, verdict] of nasty) {
      it(`says ${verdict} to ${JSON.stringify(text)}, as JSON.parse does`, () => {
        expect(check(text)).to.equal(verdict)
        expect(parses(text)).to.equal(verdict === 'ok')
      })
    }
  })

  describe('asJsonString', () => {
    it('writes a literal that reads back as the text', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          expect(check(asJsonString(text))).to.equal('ok')
          expect(JSON.parse(asJsonString(text))).to.equal(text)
        }),
      )
    })

    it('writes a lone surrogate as an escape', () => {
      expect(asJsonString('\ud800')).to.equal('"\\ud800"')
    })
  })
})

/** JSON.parse keeps only the last of two members of one name, which may be the shallower one. */
function withUniqueNames(text: string): string {
  let count = 0
  return text.replaceAll(/"(?:[^"\\]|\\.)*"([ \t\r\n]*:)?/g, (_, colon?: string) => `"${count++}"${colon ?? ''}`)
}

/** Text that is nested so many containers deep. */
const nest = (open: string, depth: number, close: string): string => open.repeat(depth) + '0' + close.repeat(depth)

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
