// An oracle of its own for what a task is: from the contract, on JSON.parse, with nothing of the code it judges.

/** A body that is a task. */
export interface Valid {
  readonly action: string
  readonly payload: Buffer
}

const DEPTH = 512
const LENGTH = 1024 * 1024
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ACTION = /^[A-Za-z0-9._~-]{1,200}$/
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g

/** The task in a body; undefined when the body is none. `svc` is the only service. */
export function taskIn(body: Buffer): Valid | undefined {
  const text = textOf(body)
  if (text === undefined || body.length > LENGTH) return undefined
  const value = valueOf(text)
  if (value === undefined || depthOf(text) > DEPTH) return undefined
  const names = new Set<string>()
  let payload = '{}'
  for (const [name, source] of membersOf(text)) {
    if (names.has(name) || !['service', 'action', 'payload'].includes(name)) return undefined
    names.add(name)
    if (name === 'payload') payload = source
  }
  const { service, action } = value
  if (service !== 'svc' || typeof action !== 'string' || !isAction(action)) return undefined
  return { action, payload: Buffer.from(payload) }
}

/** Whether a string names an action, by the contract. */
export const isAction = (text: string): boolean => ACTION.test(text) && text !== '.' && text !== '..'

/** Whether a string is an id that a task can have, by the contract. */
export const isId = (text: string): boolean => /^[1-9][0-9]{0,18}$/.test(text) && BigInt(text) < 2n ** 63n

/** Whether a string is the name of a service, by the contract. */
export const isName = (text: string): boolean => /^[A-Za-z0-9._-]{1,100}$/.test(text)

function textOf(body: Buffer): string | undefined {
  try {
    return UTF8.decode(body)
  } catch {
    return undefined
  }
}

/** The object that a text is; undefined when it is no JSON, or no object. */
function valueOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** How many containers are open at once at most, in text that is JSON. */
function depthOf(text: string): number {
  let [open, most] = [0, 0]
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') most = Math.max(most, ++open)
    if (token === '}' || token === ']') open -= 1
  }
  return most
}

/** The members of the outermost object, in text that is a JSON object: their names, and the text of their values. */
function membersOf(text: string): [string, string][] {
  const members: [string, string][] = []
  const tokens = [...text.matchAll(TOKEN)]
  let open = 0
  let colon = 0
  for (const [i, [token]] of tokens.entries()) {
    const ends = open === 1 && (token === ',' || token === '}')
    if (ends && colon > 0) {
      const [name, first, last] = [tokens[colon - 1], tokens[colon + 1], tokens[i - 1]]
      if (name && first && last)
        members.push([JSON.parse(name[0]) as string, text.slice(first.index, last.index + last[0].length)])
      colon = 0
    }
    if (token === '{' || token === '[') open += 1
    if (token === '}' || token === ']') open -= 1
    if (token === ':' && open === 1) colon = i
  }
  return members
}
