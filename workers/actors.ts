// The entry of a piscina thread: one long-lived run that hosts many actors.
import { host } from '../src/actor/host.ts'
import type { ThreadStart } from '../src/core/messages.ts'

export default (start: ThreadStart): Promise<never> => host(start)
