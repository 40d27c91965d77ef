// Waits until an assertion holds, for what no event announces.

/** Between two looks, ms: a twentieth of the time that has passed, as a look may cost a request and a statement. */
const LOOK = { least: 15, most: 60 }

/** Repeats `assert` until it does not throw and returns its value; throws its last error when the time is up. */
export async function eventually<T>(assert: () => T | Promise<T>, ms = 60_000): Promise<T> {
  const begun = performance.now()
  for (;;) {
    try {
      return await assert()
    } catch (error) {
      if (performance.now() >= begun + ms) throw error
    }
    const pause = Math.min(LOOK.most, Math.max(LOOK.least, (performance.now() - begun) / 20))
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
