// Drain: what a node gives back when it stops.
import { expect } from 'chai'
import { Batch } from '../../../src/store/batch.ts'
import type { ClaimRef, Written } from '../../../src/store/fenced.ts'
import { drain } from '../../../src/supervisor/drain.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { RunningTasks } from '../../../src/supervisor/running.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { aTask, services } from './build.ts'

describe('a drain', () => {
  it('gives back what a claim brings that was under way when it began', async () => {
    const lanes = new Lanes(10, services({ svc: 10 }), () => {})
    const running = new RunningTasks(lanes, () => {})
    const lane = lanes.of('svc')
    if (!lane) throw new Error('no lane')
    const released: string[] = []
    const flush = async (entries: readonly ClaimRef[]): Promise<Written[]> =>
      entries.map(({ id }) => {
        released.push(id)
        return 'written'
      })
    const release = new Batch<ClaimRef, Written>({ name: 'release', patience: 'keep', bytes: () => 1, flush })
    lanes.reserve(lane, 1)

    const drained = drain({ running, store: { release }, timeout: 5_000, log: silentLog() })
    setImmediate(() => {
      const claim = { id: '7', token: 1, node: 'n', service: 'svc', action: 'ok', crashes: 0, attempt: 1 }
      running.add(aTask(claim))
      lanes.unreserve(lane, 1)
    })
    await drained
    expect(released).to.deep.equal(['7'])
  })
})
