// The memory of the nodes of a run, looked at while it goes on.
import { readFileSync } from 'node:fs'
import type { Rig } from './rig.ts'

const EVERY = 100

/** The resident memory of a process, MB. */
function resident(pid: number): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1_000
}

/** The resident memory of each node now, MB. */
const memoryOf = ({ members }: Rig): number[] => members.map(({ process: { pid } }) => resident(pid))

/** Looks at the nodes' memory while `body` runs: how far one of them went above what it had at first, MB. */
export async function memoryGrowth(rig: Rig, body: () => Promise<void>): Promise<number> {
  const first = memoryOf(rig)
  let most = 0
  const look = (): void => {
    most = Math.max(most, ...memoryOf(rig).map((now, i) => now - (first[i] ?? 0)))
  }
  const timer = setInterval(look, EVERY)
  try {
    await body()
    look()
    return Math.round(most)
  } finally {
    clearInterval(timer)
  }
}
