// The limit that a service has over all nodes.
import { expect } from 'chai'
import { faultsOf, read, service, URL_LINE } from './reading.ts'

const FAULTS: Readonly<Record<string, readonly (readonly [path: string, expected: string])[]>> = {
  'limit: 5': [['limit', 'concurrency, rate, or both']],
  'limit: {}': [['limit', 'concurrency, rate, or both']],
  'limit: { concurrency: 0 }': [['limit.concurrency', 'a whole number from 1 to 100000']],
  'limit: { concurrency: 1, rate: 5 }': [['limit.rate', 'a number by second, minute or hour, such as 50/s']],
  'limit: { concurrency: 1, burst: 5 }': [['limit.burst', 'given with a rate']],
  'limit: { rates: 5/s }': [['limit.rates', 'one of concurrency, rate, burst']],
}

describe('the limit of a service', () => {
  for (const [line, faults] of Object.entries(FAULTS))
    it(`is refused: ${line}`, () => {
      const found = faultsOf(service(URL_LINE, line)).map(({ path, expected }) => [path, expected])
      expect(found).to.deep.equal(faults.map(([path, expected]) => [`services.a.${path}`, expected]))
    })

  it('is read as it is written, or absent', () => {
    const limit = (...lines: string[]) => read(service(URL_LINE, ...lines)).services.get('a')?.limit
    expect(limit('limit: { concurrency: 10, rate: 50/s, burst: 5 }')).to.deep.equal({
      concurrency: 10,
      rate: '50/s',
      burst: 5,
    })
    expect(limit('limit: { rate: 50/s }')).to.deep.equal({ rate: '50/s' })
    expect(limit()).to.equal(undefined)
  })
})
