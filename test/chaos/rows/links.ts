// Links between a node and its servers that break, in each way.
import { type Seen, linkFaults, someLinks } from '../faults/links.ts'
import type { Row } from '../row.ts'
import { strikeAll } from '../struck.ts'

const LOAD = { rate: 60, pause: 300 }

export const linksRow: Row = {
  name: 'links',
  fault:
    'a link of a node to Postgres, Redis or the service for 14 s: cut, one way, the other, half-open, 300 ms, byte by byte',
  count: 1,
  fullCount: 2,
  promise: 'no request begun over 8 s after the last good beat; at work while a link is only slow; normal within 12 s',
  run: async (at) => {
    const seen: Seen[] = []
    const tell = (one: Seen): void => void seen.push(one)
    // At full times some of them, others for each seed.
    const figures =
      at.scale === 1
        ? await strikeAll({ faults: someLinks(at.seed, at.count, tell), ...LOAD }, { ...at, count: 1 })
        : await strikeAll({ faults: linkFaults(tell), ...LOAD }, at)
    const latest = Math.max(...seen.map((one) => one.latest ?? 0))
    const during = seen.flatMap((one) => one.during ?? [])
    return {
      ...figures,
      'latest request after a last good beat, ms': latest,
      ...(during.length > 0 ? { 'fewest requests of a node with a slow link or no Redis': Math.min(...during) } : {}),
    }
  },
}
