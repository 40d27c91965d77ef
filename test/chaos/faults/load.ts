// Load that comes all at once.
import { type Fault, NORMAL } from './fault.ts'

const TASKS = 300
const CALLERS = 50

export const LOAD_FAULTS: readonly Fault[] = [
  {
    name: `${TASKS} tasks at once`,
    group: 'load',
    normal: NORMAL.node,
    // No span: it excuses nothing.
    strike: (rig) => rig.callers.load({ count: TASKS, width: CALLERS }).ended,
  },
]
