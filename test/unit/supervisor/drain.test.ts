// Drain: what a node gives back when it stops.
import { expect } from 'chai'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { Batch } from '../../../src/store/batch.ts'
import type { Fence, Written } from '../../../src/store/fenced.ts'
import { drain } from '../../../src/supervisor/drain.ts'
import { Hands } from '../../../src/supervisor/hands.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

describe('a drain', () => {
  it('gives back what a claim brings that was under way when it began', async () => {
    const hands = new Hands(10, new Map([['svc', { ...SERVICE_DEFAULTS, name: 'svc', url: 'http://svc' }]]), () => {})
    const released: string[] = []
    const flush = async (entries: readonly Fence[]): Promise<Written[]> =>
      entries.map(({ id }) => {
        released.push(id)
        return 'written'
      })
    const release = new Batch<Fence, Written>({ name: 'release', patience: 'keep', bytes: () => 1, flush })
    const room = new Map([['svc', 1]])
    hands.reserve(1, room)

    const drained = drain({ hands, store: { release }, timeout: 5_000, log: silentLog() })
    setImmediate(() => {
      const claim = { id: '7', token: 1, node: 'n', service: 'svc', action: 'ok', crashes: 0, attempt: 1 }
      hands.add({ ...claim, thread: undefined, writing: false, epoch: 1 })
      hands.unreserve(1, room)
    })
    await drained
    expect(released).to.deep.equal(['7'])
  })
})
