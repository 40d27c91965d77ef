// JSON text, level by level: where each value stands in the text. Nothing is parsed, so numbers, double names and order stay as they are.

const SPACE = /[\t\n\r ]*/y
const PLAIN = /[^,\]}\t\n\r ]*/y
const STOPS = /["[\]{}]/g

const after = (pattern, text, at) => {
  pattern.lastIndex = at
  pattern.exec(text)
  return Math.max(pattern.lastIndex, at)
}

/** The end of a string that begins at `at`. */
function endOfString(text, at) {
  for (let end = at + 1; ; end += 1) {
    end = text.indexOf('"', end)
    if (end === -1) return text.length
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
}

/** The end of a value that begins at `at`. */
function endOf(text, at) {
  if (text[at] === '"') return endOfString(text, at)
  if (text[at] !== '{' && text[at] !== '[') return after(PLAIN, text, at)
  let depth = 0
  STOPS.lastIndex = at
  for (let stop; (stop = STOPS.exec(text));) {
    if (stop[0] === '"') STOPS.lastIndex = endOfString(text, stop.index)
    else if (stop[0] === '{' || stop[0] === '[') depth += 1
    else if ((depth -= 1) === 0) return stop.index + 1
  }
  return text.length
}

/** A value: its place in the text. */
const valueAt = (text, at) => ({ start: at, end: endOf(text, at), kind: KINDS[text[at]] ?? 'number' })
const KINDS = { '{': 'object', '[': 'array', '"': 'string', t: 'literal', f: 'literal', n: 'literal' }

/** The value that the whole text is. */
export const rootOf = (text) => valueAt(text, after(SPACE, text, 0))

/** The values within an object or an array, in order; `key` is the name of a member as it is written, and `keyStart` its place. */
export function childrenOf(text, { start, end, kind }) {
  const children = []
  let at = after(SPACE, text, start + 1)
  while (at < end - 1) {
    const keyStart = at
    let key
    if (kind === 'object') {
      key = text.slice(at, endOfString(text, at))
      // Behind the colon.
      at = after(SPACE, text, after(SPACE, text, at + key.length) + 1)
    }
    const child = { ...valueAt(text, at), ...(key !== undefined && { key, keyStart }) }
    children.push(child)
    at = after(SPACE, text, child.end)
    if (text[at] === ',') at = after(SPACE, text, at + 1)
  }
  return children
}

/** The members of an object as text, by name. */
export const membersOf = (text) =>
  new Map(childrenOf(text, rootOf(text)).map(({ key, start, end }) => [JSON.parse(key), text.slice(start, end)]))

/** The fault of text that is no JSON, or undefined. Numbers are not judged by what JavaScript can hold. */
export function faultOf(text) {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error.message
  }
}
