// What processes cost, from /proc: CPU time of whole trees, memory, and how busy the machine is. Linux only.
import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Milliseconds of a clock tick: USER_HZ is 100 wherever Node runs. */
const TICK = 10
/** In the fields behind the name: the parent, and the CPU time of a process and of its children that have ended, user and system each. */
const PARENT = 1
const TIMES = [11, 12, 13, 14]

/** The fields of /proc/<pid>/stat behind the name, which may hold anything; undefined when the process has gone. */
function fieldsOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** A process and all that it has started, directly or not. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(fieldsOf(Number(name))?.[PARENT])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** CPU time of some trees so far, ms. A process that stands in several of them counts once. */
export function cpuOf(roots: readonly number[]): number {
  let ticks = 0
  for (const pid of new Set(roots.flatMap(treeOf))) {
    const fields = fieldsOf(pid)
    if (fields) for (const i of TIMES) ticks += Number(fields[i])
  }
  return ticks * TICK
}

/** The memory of some trees, bytes: pages that processes share count by their share (PSS). */
export function memoryOf(roots: readonly number[]): number {
  let bytes = 0
  for (const root of roots)
    for (const pid of treeOf(root)) {
      try {
        bytes += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
      } catch {
        // It has just gone.
      }
    }
  return bytes
}

/** How long all cores together have been busy since the machine started, ms. */
function busy(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * TICK
}

/** From now on: what share of the machine, 0 to 1, was busy with anything but these trees. */
export function othersSince(roots: () => readonly number[]): () => number {
  const begun = performance.now()
  const before = busy() - cpuOf(roots())
  return () => {
    const spent = busy() - cpuOf(roots()) - before
    return Math.max(0, spent) / ((performance.now() - begun) * availableParallelism())
  }
}
