// Runs slow cases that are independent at the same time, each reported under its own name.

/** Cases by name. */
export type Cases = Readonly<Record<string, () => Promise<void>>>

/** Declares a test for each case. The first of them starts all; each waits for its own, `ms` at most. */
export function together(cases: Cases, ms: number): void {
  const running = new Map<string, Promise<void>>()
  const start = (): void => {
    for (const [name, run] of Object.entries(cases)) {
      const ended = run()
      // Each is judged by its own test, which may begin after it has failed.
      ended.catch(() => undefined)
      running.set(name, ended)
    }
  }
  for (const name of Object.keys(cases))
    it(name, () => {
      if (running.size === 0) start()
      return running.get(name)
    }).timeout(ms)
  // Mocha goes on after a test that ran out of time: nothing may be left behind.
  after(async function () {
    this.timeout(ms)
    await Promise.allSettled(running.values())
  })
}
