// Processes of a run, known by their environment, that are still there when it is over.
import { readFileSync, readdirSync } from 'node:fs'

/** Processes of a run that have outlived it; none where there is no /proc. */
export function orphans(run: string): string[] {
  try {
    return readdirSync('/proc').flatMap((pid) =>
      belongs(pid, run) ? [`process ${pid} of the run was left behind`] : [],
    )
  } catch {
    return []
  }
}

function belongs(pid: string, run: string): boolean {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CHAOS_RUN=${run}`)
  } catch {
    // It has just ended.
    return false
  }
}
