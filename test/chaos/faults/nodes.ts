// Faults of whole nodes.
import { type Fault, NORMAL, long } from './fault.ts'

/** A node is killed, and comes back: at once, or only after others have taken its tasks over. */
export const kill: Fault = {
  name: 'kill -9',
  group: 'kill',
  normal: NORMAL.node,
  scales: true,
  strike: (rig, random) =>
    rig.withMember(random, async (member) => {
      await rig.span({ name: 'kill', of: member.name }, () => member.end('SIGKILL'))
      if (random.chance(0.5)) await long(rig, random.within(0, 12_000))
      await member.start()
    }),
}

/** A node is stopped in order, and started again. */
export const stop: Fault = {
  name: 'SIGTERM',
  group: 'stop',
  normal: NORMAL.node,
  scales: true,
  strike: (rig, random) =>
    rig.withMember(random, async (member) => {
      await rig.span({ name: 'stop', of: member.name }, () => member.end('SIGTERM'))
      await member.start()
    }),
}

/** A node stands still for longer than its lease, and goes on. */
export const freeze: Fault = {
  name: 'SIGSTOP',
  group: 'freeze',
  normal: NORMAL.node,
  scales: true,
  strike: (rig, random) =>
    rig.withMember(random, (member) =>
      rig.span({ name: 'freeze', of: member.name, doubts: [member.name], cancelWithin: 8_000 }, async () => {
        member.process.kill('SIGSTOP')
        await long(rig, 15_000)
        member.process.kill('SIGCONT')
      }),
    ),
}
