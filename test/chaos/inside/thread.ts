// What a thread of a node under test has: points at which it kills the process, and tasks that kill it.
import diagnostics from 'node:diagnostics_channel'
import { pass } from './death.ts'

diagnostics.subscribe('undici:client:sendHeaders', () => setImmediate(() => pass('request sent')))
diagnostics.subscribe('undici:request:trailers', () => pass('answer read'))
diagnostics.subscribe('undici:client:sendHeaders', (message) => poison(message as { request: { path: string } }))

/** An action `poison.…` kills the thread that runs it, as its name says. */
function poison({ request: { path } }: { request: { path: string } }): void {
  const how = /\/poison\.(\w+)/.exec(path)?.[1]
  if (how === 'throw')
    setImmediate(() => {
      throw new Error('poison')
    })
  if (how === 'exit') setImmediate(() => process.exit(1))
  if (how === 'loop')
    setImmediate(() => {
      for (;;);
    })
  if (how === 'memory')
    setImmediate(() => {
      const full: unknown[] = []
      for (;;) full.push(Array.from({ length: 100_000 }, (_, i) => ({ i })))
    })
}
