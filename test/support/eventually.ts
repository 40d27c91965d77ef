// Waits until an assertion holds, for what no event announces.

const LOOK = 15

/** Repeats `assert` until it does not throw and returns its value; throws its last error when the time is up. */
export async function eventually<T>(assert: () => T | Promise<T>, ms = 60_000): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    try {
      return await assert()
    } catch (error) {
      if (performance.now() >= end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
