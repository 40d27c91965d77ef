import { expect } from 'chai'
import { descriptorLimit, descriptorsNeeded } from '../../../src/core/descriptors.ts'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'

const services = (...concurrency: number[]) =>
  new Map(
    concurrency.map((one, i) => [`s${i}`, { ...SERVICE_DEFAULTS, name: `s${i}`, url: 'http://s/', concurrency: one }]),
  )

describe('the file descriptors of a node', () => {
  it('are those of its requests, as slots and concurrency allow them, of its callers, and its own', () => {
    const own = descriptorsNeeded(services(), 1_000, 0)
    expect(own).to.be.within(50, 200)
    expect(descriptorsNeeded(services(100, 30), 1_000, 4_096)).to.equal(130 + 4_096 + own)
    expect(descriptorsNeeded(services(100, 3_000), 1_000, 4_096)).to.equal(1_000 + 4_096 + own)
  })

  it('are limited as Linux says', () => {
    const text = (limit: string): string =>
      `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${limit}                 20000                files     \nMax locked memory         1 1 bytes\n`
    expect(descriptorLimit(text('1024'))).to.equal(1024)
    expect(descriptorLimit(text('unlimited'))).to.equal(undefined)
    expect(descriptorLimit('')).to.equal(undefined)
  })
})
