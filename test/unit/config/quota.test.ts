// The quota of a key in the services file.
import { expect } from 'chai'
import { faultsOf, type Files, read, URL_LINE } from './reading.ts'

const file = (line: string): Files => ({
  'task_api.yaml': `services:\n  a:\n    ${URL_LINE}\nkeys:\n  k:\n    hash: sha256:${'a'.repeat(64)}\n    scopes: [submit]\n    ${line}\n`,
})

const FAULTS: Readonly<Record<string, readonly [path: string, expected: string]>> = {
  'quota: 5/s': ['quota', 'rate, waiting, or both'],
  'quota: {}': ['quota', 'rate, waiting, or both'],
  'quota: { burst: 5 }': ['quota.burst', 'given with a rate'],
  'quota: { waiting: 5, burst: 5 }': ['quota.burst', 'given with a rate'],
  'quota: { waiting: 0 }': ['quota.waiting', 'a whole number from 1 to 10000000'],
  'quota: { rate: 5 }': ['quota.rate', 'a number by second, minute or hour, such as 50/s'],
  'quota: { concurrency: 5 }': ['quota.concurrency', 'one of rate, burst, waiting'],
}

describe('the quota of a key', () => {
  for (const [line, [path, expected]] of Object.entries(FAULTS))
    it(`is refused: ${line}`, () => {
      const [fault, ...more] = faultsOf(file(line))
      expect(more).to.deep.equal([])
      expect(fault).to.include({ path: `keys.k.${path}`, expected, line: 8 })
    })

  it('is read as it is written, or absent', () => {
    const quotaOf = (line: string) => read(file(line)).keys.get('k')?.quota
    expect(quotaOf('quota: { rate: 500/s, burst: 1000, waiting: 100000 }')).to.deep.equal({
      rate: '500/s',
      burst: 1000,
      waiting: 100_000,
    })
    expect(quotaOf('quota: { waiting: 1 }')).to.deep.equal({ waiting: 1 })
    expect(quotaOf('own: true')).to.equal(undefined)
  })
})
