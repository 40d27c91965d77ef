// The report of a test run: mocha's own, and as its last line how many tests passed, failed and were skipped.
import mocha from 'mocha'

/** Mocha's `spec` report, then `N passed, N failed, N skipped` when all is stopped. */
export default class Reporter extends mocha.reporters.Spec {
  /** Called by mocha once the engines are down. */
  override done(failures: number, finish?: (failures: number) => void): void {
    const { passes, failures: failed, pending } = this.stats
    process.stdout.write(`${passes} passed, ${failed} failed, ${pending} skipped\n`)
    finish?.(failures)
  }
}
