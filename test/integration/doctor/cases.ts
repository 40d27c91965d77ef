// What the tests of the doctor share: a finding by its name, and what a case expects of it.
import { expect } from 'chai'
import type { Finding, State } from '../../../src/doctor/finding.ts'

/** What a finding must be. */
export interface Expected {
  readonly check: string
  readonly state: State
  readonly what: RegExp
  readonly mend?: RegExp
}

/** Fails unless one finding is as expected, and each that is not ok has a mend of one sentence. */
export function expectFinding(found: readonly Finding[], { check, state, what, mend }: Expected): void {
  const text = JSON.stringify(found, null, 1)
  const fits = found.filter((one) => one.check === check && one.state === state && what.test(one.what))
  expect(fits, text).to.have.length(1)
  if (mend) expect(fits[0]?.mend ?? '', text).to.match(mend)
  for (const one of found)
    if (one.state === 'ok') expect(one.mend, text).to.equal(null)
    else expect(one.mend, text).to.match(/^[A-Z].*\.$/)
}

/** The names of all checks that are not ok. */
export const troubles = (found: readonly Finding[]): string[] =>
  found.filter(({ state }) => state !== 'ok').map(({ check }) => check)
