// docs/protocol.md speaks of the same verbs and times as the code.
import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { PARK_FROM, TIMINGS } from '../../src/core/timings.ts'

const text = readFileSync('docs/protocol.md', 'utf8').replaceAll(/\s+/g, ' ')

describe('docs/protocol.md', () => {
  it('names each verb of src/lifecycle, and beside them what is done to nodes and services', () => {
    const table = /\| verb \|.*?\n\n/s.exec(readFileSync('docs/protocol.md', 'utf8'))?.[0] ?? ''
    const verbs = [...table.matchAll(/^\| ([a-z-]+)/gm)].map(([, verb]) => verb)
    const files = readdirSync('src/lifecycle').map((file) => file.replace(/\.ts$/, ''))
    expect(verbs.slice(1)).to.have.members([...files, 'pause', 'beat', 'sync'])
  })

  const sentences: Readonly<Record<string, readonly [number, string]>> = {
    lease: [TIMINGS.lease, 'lease_until = now() + 10 s'],
    beat: [TIMINGS.beat, 'beat, every 2 s'],
    trust: [TIMINGS.trust, 'begins no request later than 8 s after the *start* of its last good beat'],
    pass: [TIMINGS.pass, 'A full pass**, every 1 s'],
    takeoverDelay: [TIMINGS.takeoverDelay, 'been trusted for 10 s without a gap'],
    silence: [TIMINGS.silence, 'one silent for 5 s'],
    quarantine: [TIMINGS.quarantine, 'has lasted 30 s'],
    parking: [PARK_FROM, 'A wait of 1 s or more'],
  }
  for (const [name, [ms, sentence]] of Object.entries(sentences))
    it(`says how long: ${name}`, () => {
      expect(text).to.include(sentence)
      expect(Number(/(\d+) s\b/.exec(sentence)?.[1]) * 1_000).to.equal(ms)
    })

  it('leaves a node time to stop what it runs before others take it over', () => {
    expect(TIMINGS.trust).to.be.lessThan(TIMINGS.lease)
    expect(TIMINGS.beat * 2).to.be.lessThan(TIMINGS.trust)
  })
})
