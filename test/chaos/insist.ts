// A caller that does not give up at once: asks one node after the other until one answers.
import { setTimeout as passed } from 'node:timers/promises'
import type { Rig } from './rig.ts'
import { Breach } from './row.ts'

/** A caller gives up after so long, ms. */
export const PATIENCE = 60_000

/** Asks nodes, one after the other, until one has an answer of these; `members`: only these nodes. */
export async function insist(
  rig: Rig,
  statuses: readonly number[],
  method: string,
  path: string,
  init: RequestInit = {},
  members = rig.members,
) {
  const urls = rig.random.shuffle(members.map(({ url }) => url))
  for (const end = performance.now() + PATIENCE; performance.now() < end; await passed(50)) {
    const url = urls.shift() ?? ''
    urls.push(url)
    const signal = AbortSignal.timeout(20_000)
    const response = await fetch(url + path, { method, redirect: 'manual', signal, ...init }).catch(() => undefined)
    const text = await response?.text().catch(() => undefined)
    if (response && text !== undefined && statuses.includes(response.status)) return { response, text }
    if (response && ![409, 503].includes(response.status))
      throw new Breach([`${method} ${path} was answered ${response.status} ${text}`])
  }
  throw new Breach([`${method} ${path} was not answered in ${PATIENCE} ms`])
}
