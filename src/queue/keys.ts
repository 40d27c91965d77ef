// Names in Redis, and what may be read from them.
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

  /** The channel that a node hears its cancel notices on. */
  channel(node: string): string {
    return `${this.#root}cancel:${node}`
  }

  /** A key that never exists; no service can have this name, since names hold no colon. */
  get probe(): string {
    return `${this.#root}probe:`
  }
}

/** What a node is told when the state of a service has changed, in place of an id. */
export const CHANGED = 'services'

/** What a notice says: the id of a task, or that states have changed; undefined for anything else. */
export const noticeIn = (content: Buffer): string | undefined =>
  content.length === CHANGED.length && content.toString('latin1') === CHANGED ? CHANGED : idIn(content)

/** The id that an element or a notice holds; undefined for anything else. Looks at the length first: elements may be huge. */
export function idIn(element: Buffer): string | undefined {
  if (element.length > 19) return undefined
  const text = element.toString('latin1')
  return isTaskId(text) ? text : undefined
}
