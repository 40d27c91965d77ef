// The mix: all faults at random, up to two at a time, under a load of posts, reads and deletes; then every promise is checked.
import { setTimeout as passed } from 'node:timers/promises'
import type { Fault } from './faults/fault.ts'
import { startHostile, wrongEnds } from './faults/hostile.ts'
import type { Random } from './random.ts'
import { browse } from './reader.ts'
import type { Rig } from './rig.ts'
import { type Figures, hold, inRig } from './row.ts'

export interface MixOptions {
  readonly seed: number
  readonly scale: number
  readonly minutes: number
  readonly faults: readonly Fault[]
  log(text: string): void
}

/** Posts a second; bursts come on top. */
const RATE = 60
/** Callers wait while so many tasks have not ended: a machine that is too slow for the rate is to meet faults, and not only its backlog. */
const MOST_UNENDED = 1_000
/** How often that is asked, ms. */
const ASKED = 250
/** Pauses between faults, ms. */
const PAUSE = { least: 200, most: 3_000 }
/** All must have ended so long after the last fault, ms. */
const END = 30_000
/** What a node may have more than when it had just started, when all is done: bytes of heap, and file descriptors. */
const GROWTH = { heap: 40_000_000, fds: 16 }
/** Idle connections are closed by then, ms. */
const CALM = 45_000

/** Runs the mix for some minutes. Throws `Breach`. */
export async function mix(options: MixOptions): Promise<Figures> {
  const { services, stop: stopHostile } = await startHostile()
  const { seed, scale } = options
  return inRig({ seed, scale, services, poisons: true }, (rig) => body(rig, options)).finally(stopHostile)
}

async function body(rig: Rig, { minutes, faults, log }: MixOptions): Promise<Figures> {
  const random = rig.random.fork('mix')
  const reading = new AbortController()
  const read = browse(rig, reading.signal)
  let behind = false
  const watching = watchBacklog(rig, reading.signal, (unended) => (behind = unended > MOST_UNENDED))
  const load = rig.callers.load({ rate: RATE, held: () => behind, deleting: 0.03 })
  const end = performance.now() + minutes * 60_000
  const struck = new Map<string, number>()
  let strikes = 0
  while (performance.now() < end) {
    const chosen = drawn(faults, random)
    log(chosen.map(({ name }) => name).join(' + '))
    await Promise.all(chosen.map((fault) => fault.strike(rig, random.fork(`${fault.name} ${strikes++}`))))
    for (const { name } of chosen) struck.set(name, (struck.get(name) ?? 0) + 1)
    // Half of the faults meet what the last one has left.
    if (random.chance(0.5))
      log(`normal after ${Math.round(await rig.normal(Math.max(...chosen.map(({ normal }) => normal))))} ms`)
    await passed(random.within(PAUSE.least, PAUSE.most))
  }
  await load.stop()
  reading.abort()
  await Promise.all([read, watching])
  const took = await rig.normal(END, true)
  // A node that stood still finds the time of its requests over, whatever was answered meanwhile.
  const wrong = await wrongEnds(rig, 'timeout')
  hold({ [wrong.join('; ')]: wrong.length === 0 })
  rig.callers.close()
  const growth = await Promise.all(rig.members.map((member) => member.calm(GROWTH, CALM)))
  return {
    minutes,
    faults: strikes,
    kinds: struck.size,
    'ended after the last, ms': Math.round(took),
    'heap beyond the start, MB': growth.map(({ heap }) => Math.round(heap / 1e6)).join(', '),
    'file descriptors beyond the start': growth.map(({ fds }) => fds).join(', '),
    ...answers(rig),
  }
}

/** Tells how many tasks have not ended, again and again; nothing while Postgres is away. */
async function watchBacklog(rig: Rig, stop: AbortSignal, tell: (unended: number) => void): Promise<void> {
  while (!stop.aborted) {
    await rig.unended().then(tell, () => undefined)
    await passed(ASKED, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** One fault, or two of different groups. */
function drawn(faults: readonly Fault[], random: Random): Fault[] {
  // A group first: one with many variants is not to be drawn more often.
  const groups = random.shuffle([...new Set(faults.map(({ group }) => group))])
  return groups
    .slice(0, random.chance(0.3) ? 2 : 1)
    .map((group) => random.pick(faults.filter((fault) => fault.group === group)))
}

/** What callers were refused. */
function answers({ ledger }: Rig): Figures {
  const entries = [...ledger.entries.values()]
  return {
    posts: entries.length,
    'posts told 503 first': entries.filter(({ refused }) => refused > 0).length,
  }
}
