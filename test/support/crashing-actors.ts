// The entry of a thread that dies of certain payloads: `{"poison":"throw"}`, `"exit"`, `"loop"` or `"oom"`.
import { host } from '../../src/actor/host.ts'
import type { Command, ThreadStart } from '../../src/core/messages.ts'

const POISONS: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new Error('poison')
  },
  exit: () => process.exit(1),
  loop: () => {
    for (;;);
  },
  oom: () => {
    const grown: number[][] = []
    for (;;) grown.push(Array.from({ length: 1_000 }, () => grown.length + 0.5))
  },
}

export default (start: ThreadStart): Promise<never> => {
  start.port.on('message', (commands: Command[]) => {
    for (const command of commands) {
      if (command.kind !== 'run') continue
      const poison = /"poison":"(\w+)"/.exec(command.task.body)?.[1]
      // Behind the host, which starts the actor and its neighbours first.
      if (poison) setTimeout(() => POISONS[poison]?.(), 30)
    }
  })
  return host(start)
}
