// Names in Redis, what may be read from them, and what may be said of an address.
import { isTaskId } from '../core/task.ts'

/** The names that a queue uses. All start with the prefix, and share one hash tag: on a cluster they live on one node. */
export class Keys {
  readonly #root: string

  constructor(prefix: string) {
    this.#root = `${prefix}{queue}:`
  }

  /** The list of a service. */
  list(service: string): string {
    return this.#root + service
  }

  /** The service of a list. */
  serviceOf(key: string): string {
    return key.slice(this.#root.length)
  }

  /** The channel that a node hears its hints on. */
  channel(node: string): string {
    return `${this.#root}cancel:${node}`
  }

  /** A key that never exists; no service can have this name, since names hold no colon. */
  get probe(): string {
    return `${this.#root}probe:`
  }
}

/** The id that an element or a hint holds; undefined for anything else. Looks at the length first: elements may be huge. */
export function idIn(element: Buffer): string | undefined {
  if (element.length > 19) return undefined
  const text = element.toString('latin1')
  return isTaskId(text) ? text : undefined
}

/** What an error says, in a form for the log: short, and without the password of the URL. */
export function reasonOf(error: unknown, url: string): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return secretsOf(url)
    .reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
    .slice(0, 200)
}

function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return []
  const { password } = new URL(url)
  return [password, decoded(password)].filter((secret) => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
