// The table of events: every row is whole, and says what the operator needs.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EVENTS, TOPICS } from '../../../src/telemetry/events.ts'
import { FIELDS } from '../../../src/telemetry/fields.ts'
import type { EventRow } from '../../../src/telemetry/row.ts'

const rows = Object.entries<EventRow>(EVENTS)

/** The fields of an event, without the mark of those that may be missing. */
const named = ({ fields }: EventRow): string[] => fields.map((field) => field.replace(/\?$/, ''))

/** The names of events in the calls of src, and of the embedded Postgres. */
function called(): Set<string> {
  const files = ['src', 'packages/embedded-postgres/src'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  const code = files.filter((file) => file.endsWith('.ts') && !file.endsWith('embedded-postgres/src/log.ts'))
  const text = code.map((file) => readFileSync(file, 'utf8')).join('\n')
  const calls = text.matchAll(/\b(?:event|say)\(([^,)]+)/g)
  return new Set([...calls].flatMap(([, name = '']) => [...name.matchAll(/'(\w+)'/g)].map(([, one = '']) => one)))
}

describe('the table of events', () => {
  it('has the events that src names, and no other', () => {
    expect([...called()]).to.have.members(Object.keys(EVENTS))
  })

  it('has each event in one topic', () => {
    const all = Object.values(TOPICS).flatMap((topic) => Object.keys(topic))
    expect(all).to.have.members(Object.keys(EVENTS)).and.to.have.length(Object.keys(EVENTS).length)
  })

  it('gives each event a name in small letters, a text, a meaning and an action', () => {
    for (const [name, { text, meaning, action }] of rows) {
      expect(name).to.match(/^[a-z]+(_[a-z]+)*$/)
      expect(text, name).to.match(/^\S.*[^.\s]$/)
      for (const sentence of [meaning, action]) expect(sentence, name).to.match(/^[A-Z`].*\.$/)
    }
  })

  it('has each field in some event, and no field that every line has', () => {
    const used = new Set(rows.flatMap(([, row]) => named(row)))
    expect([...used]).to.have.members(Object.keys(FIELDS))
    expect(FIELDS).not.to.have.any.keys('time', 'level', 'event', 'node', 'msg')
  })

  it('gives every error a field that names the cause', () => {
    for (const [name, row] of rows)
      if (row.level === 'error' || row.level === 'fatal') expect(named(row), name).to.satisfy(hasCause)
  })
})

const CAUSES = ['err', 'why', 'how', 'dropped', 'faults']
const hasCause = (fields: readonly string[]): boolean => fields.some((field) => CAUSES.includes(field))
