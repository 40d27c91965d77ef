// Every mutation still fits the compiled code; `npm run test:mutations` finds out which test notices it.
import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { edited } from './apply.ts'
import { MUTATIONS } from './list.ts'

const DIST = fileURLToPath(new URL('../../', import.meta.url))

describe('the mutations', () => {
  for (const { name, edits, first } of MUTATIONS)
    it(`fit the code: ${name}`, () => {
      for (const edit of edits) {
        const text = readFileSync(`${DIST}src/${edit.file}`, 'utf8')
        expect(edited(text, edit)).to.not.equal(text)
      }
      for (const test of first) expect(existsSync(`${DIST}test/${test}.test.js`), test).to.equal(true)
    })

  it('have those that docs/protocol.md names', () => {
    const text = readFileSync('docs/protocol.md', 'utf8').replaceAll('\n', ' ')
    const named = /Mutations that every suite must catch: ([^.]+)\./.exec(text)?.[1]?.split(' · ') ?? []
    // What a cancel notice is believed of is a rule of the second model; in the code it is many lines.
    expect(MUTATIONS.map(({ name }) => name)).to.include.members(named.filter((name) => name !== 'believed notice'))
  })
})
