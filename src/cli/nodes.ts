// The command `nodes`: who is at work.
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { ageText } from './list.ts'
import { elementsOf, oneLine, visible } from './text.ts'

/** `nodes`: a table of all. */
export async function nodes({ api, json, print }: Context): Promise<Exit> {
  const { text } = await call(api, { method: 'GET', path: '/nodes', expect: [200] })
  const found = elementsOf(text)
  if (found === undefined) throw new CommandError('unreachable', `${api.url} did not answer with a list`)
  if (json) for (const one of found) print(oneLine(one))
  else {
    print(columns(['NAME', 'VERSION', 'UP', 'BEAT', 'RUNNING', 'SLOTS', 'SERVICES']))
    for (const one of found) print(visible(lineOf(objectOf(one))))
  }
  return 'ok'
}

type Shown = Readonly<Record<string, unknown>>

function lineOf({ name, version, since, beat, running, slots, services }: Shown): string {
  const told = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '-'
  const served = Array.isArray(services) ? services.map(String).join(', ') : ''
  return columns([told(name), told(version), agoText(since), agoText(beat), told(running), told(slots), served || '-'])
}

/** How long ago a time was, by the clock of this machine. */
function agoText(time: unknown): string {
  const at = Date.parse(String(time))
  return Number.isNaN(at) ? '-' : ageText(Math.max(0, Date.now() - at))
}

const WIDTHS = [24, 10, 8, 8, 9, 8]
const columns = (texts: readonly string[]): string =>
  texts.map((text, i) => (i < WIDTHS.length ? `${text.padEnd((WIDTHS[i] ?? 0) - 1)} ` : text)).join('')
