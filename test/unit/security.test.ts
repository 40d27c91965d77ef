// The page on security: every test that it names is there, every threat has one, and SECURITY.md leads to the page.
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'

const page = readFileSync('docs/security.md', 'utf8')
const rows = page
  .slice(page.indexOf('## Threats and controls'), page.indexOf('## What is not defended'))
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)

describe('docs/security.md', () => {
  it('names a test for each threat, and each of them is there', () => {
    expect(rows).to.have.length.above(20)
    for (const row of rows) {
      const named = row.split('|').at(-2)?.trim().split(', ') ?? []
      for (const file of named) {
        expect(file, row).to.match(/^test\/[\w./-]+\.test\.ts$/)
        expect(existsSync(file), file).to.equal(true)
      }
    }
  })

  it('is where SECURITY.md leads', () => {
    expect(readFileSync('SECURITY.md', 'utf8')).to.contain('](docs/security.md)')
  })
})
