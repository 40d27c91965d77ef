// Nodes that are killed, stopped in order, and frozen.
import { freeze, kill } from '../faults/nodes.ts'
import { MIX } from '../plan.ts'
import { type Row, hold, inRig, paced } from '../row.ts'
import { strikeAll } from '../struck.ts'

/** Many tasks rather than many steps. */
const SHORT = { ...MIX, maxSteps: 2 }

export const killRow: Row = {
  name: 'kill',
  fault: 'kill -9 of a node',
  count: 30,
  fullCount: 1,
  promise: 'normal within 12 s',
  run: (at) =>
    strikeAll({ faults: [kill], rate: 120, pause: 1_000, tasks: at.count > 1 ? 20_000 : 0, setup: { mix: SHORT } }, at),
}

export const freezeRow: Row = {
  name: 'freeze',
  fault: 'SIGSTOP for 15 s, then SIGCONT',
  count: 20,
  fullCount: 1,
  promise: 'no effect of an older claim; normal within 12 s',
  run: (at) => strikeAll({ faults: [freeze], rate: 100, pause: 500 }, at),
}

/** A restart of one node after the other. No step is cut off: every answer comes within DRAIN_TIMEOUT. */
export const stopRow: Row = {
  name: 'stop',
  fault: 'SIGTERM of one node after the other under load',
  count: 20,
  fullCount: 1,
  promise: 'no repeated step, no failed call',
  run: (at) =>
    inRig({ seed: at.seed, scale: at.scale, balanced: true }, async (rig) => {
      const load = rig.callers.load({ rate: paced(60, at) })
      const took: number[] = []
      for (let i = 0; i < at.count; i += 1) {
        const member = rig.members[i % rig.members.length]
        if (!member) throw new Error('no nodes')
        const begun = performance.now()
        // No span: nothing excuses a repeat.
        await member.end('SIGTERM')
        took.push(performance.now() - begun)
        const ended = Date.now()
        await member.start()
        at.log(`${member.url} stopped in ${Math.round(took.at(-1) ?? 0)} ms at ${ended}`)
      }
      await load.stop()
      const broken = [...rig.ledger.entries.values()].filter(({ unknown }) => unknown > 0).length
      hold({
        [`${broken} calls failed: ${rig.ledger.broken.join('; ')}`]: rig.ledger.broken.length === 0 && broken === 0,
        [`${rig.ledger.closed} callers were sent to a node that had gone`]: rig.ledger.closed === 0,
      })
      return { stops: at.count, 'longest stop, ms': Math.round(Math.max(...took)), 'failed calls': broken }
    }),
}
