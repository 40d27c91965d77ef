import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { COMMANDS } from '../../src/cli/commands.ts'
import { EXITS } from '../../src/cli/exits.ts'
import { OPTIONS } from '../../src/cli/options.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { FAILURES } from '../../src/core/failures.ts'
import { REFUSALS } from '../../src/core/refusal.ts'
import { STATUSES } from '../../src/core/task.ts'
import { printedDocs } from '../../src/docs.ts'
import { EVENTS } from '../../src/telemetry/events.ts'
import { FIELDS } from '../../src/telemetry/fields.ts'
import type { EventRow } from '../../src/telemetry/row.ts'

const doc = (path: string): string => printedDocs().get(path) ?? ''

describe('the printed documents', () => {
  for (const [path, text] of printedDocs()) {
    it(`${path} is what the tables print (npm run docs)`, () => {
      expect(readFileSync(path, 'utf8')).to.equal(text)
    })
  }

  it('draw every move between statuses, and no other', () => {
    const moves = Object.entries(STATUSES).flatMap(([status, { next }]) =>
      next.map((later) => `${status} --> ${later}`),
    )
    const drawn = doc('docs/states.md').match(/\w+ --> \w+/g)
    expect(drawn).to.have.members(moves)
    expect(doc('docs/states.md')).to.include('```mermaid\nstateDiagram-v2\n  [*] --> pending\n')
  })

  it('name every command, every option and every exit code', () => {
    const text = doc('docs/cli.md')
    for (const name of Object.keys(COMMANDS)) expect(text).to.match(new RegExp(`^\\| \`${name}[ \`]`, 'm'))
    for (const name of Object.keys(OPTIONS)) expect(text).to.match(new RegExp(`^\\| \`--${name}[ ,\`]`, 'm'))
    for (const { code, meaning } of Object.values(EXITS)) expect(text).to.include(`| ${code} | ${meaning} |`)
  })

  it('name every error, every setting, every event and every field of an event', () => {
    for (const code of [...Object.keys(REFUSALS), ...Object.keys(FAILURES)])
      expect(doc('docs/errors.md')).to.include(`\`${code}\``)
    for (const name of Object.keys(SETTINGS)) expect(doc('docs/configuration.md')).to.include(`| \`${name}\` |`)
    const events = Object.entries<EventRow>(EVENTS).map(([name, { event = name }]) => event)
    for (const name of [...events, ...Object.keys(FIELDS)])
      expect(doc('docs/operations.md')).to.include(`| \`${name}\` |`)
  })

  it('name every member of a service with its default', () => {
    const rows = doc('docs/configuration.md').matchAll(/^\| `([\w.]+)` \| (\S*) \|/gm)
    expect([...rows].map(([, name, fallback]) => [name, fallback])).to.include.deep.members([
      ['url', 'required'],
      ['timeout', '`30s`'],
      ['concurrency', '`100`'],
      ['retry.attempts', '`20`'],
      ['retry.backoff', '`250ms`'],
      ['retry.maxBackoff', '`30s`'],
      ['maxSteps', '`100000`'],
      ['deadline', '`7d`'],
      ['headers', '`{}`'],
    ])
  })
})
