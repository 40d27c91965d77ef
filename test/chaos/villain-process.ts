// The hostile service as a process of its own, so that what it pours out does not slow the referee down.
import { Villain, bomb } from './villain.ts'

// Before anybody waits for it.
bomb()
const villain = await new Villain().start()
process.send?.(villain.port)
process.on('disconnect', () => process.exit(0))
