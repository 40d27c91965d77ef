// Text for stdout and stderr. JSON is cut out of the answer and not parsed, so that no number loses a digit.
import { scanMembers } from '../core/json.ts'

/** JSON text on one line. Line breaks in JSON are only between tokens, so they can be replaced. */
export const oneLine = (json: string): string => json.replaceAll(/[\r\n]+/g, ' ').trim()

/** Text that moves no cursor and colours nothing: control characters are shown as escapes. Tabs and line breaks stay. */
export const visible = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })

/** The members of a JSON object as text, in order; undefined when it is no object. */
export function membersOf(json: string): Map<string, string> | undefined {
  const bytes = Buffer.from(json)
  const scan = scanMembers(bytes, Infinity)
  if (scan.kind !== 'members') return undefined
  return new Map(scan.members.map(({ name, start, end }) => [name, bytes.subarray(start, end).toString('utf8')]))
}

/** The elements of a JSON array as text, in order; undefined when it is no array. The text must be JSON. */
export function elementsOf(json: string): string[] | undefined {
  const text = json.trim()
  if (!text.startsWith('[')) return undefined
  const elements: string[] = []
  let [depth, start, quoted] = [0, 1, false]
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quoted) {
      if (character === '\\') at++
      quoted = character !== '"'
      continue
    }
    if (character === '"') quoted = true
    else if ('[{'.includes(character)) depth++
    else if (']}'.includes(character)) depth--
    const ends = (character === ',' && depth === 1) || depth === 0
    if (!ends) continue
    elements.push(text.slice(start, at).trim())
    start = at + 1
  }
  return elements.length === 1 && elements[0] === '' ? [] : elements
}
