// Reads the address of the API, and the words that name a task.
import { isTaskId } from '../core/task.ts'
import type { Api } from './api.ts'
import { CommandError } from './exits.ts'

/** An address without a slash at its end; undefined when the text is no URL, or has user, password, query or fragment. */
function addressOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === ''
  return plain ? url.href.replace(/\/+$/, '') : undefined
}

/** The API's address from the option, else the variable, else the default. */
export function urlOf(option: string | undefined, variable: string | undefined): string {
  const url = addressOf(option ?? (variable || 'http://127.0.0.1:3000'))
  if (url !== undefined) return url
  const source = option === undefined ? 'TASK_API_URL' : '--url'
  throw new CommandError(
    'usage',
    `${source} must be the address of the API, such as http://127.0.0.1:3000, without user, password and query; use --header for the password of a proxy`,
  )
}

/** A task, and the API that has it. */
export interface Target {
  readonly api: Api
  readonly id: string
}

/** The task that a word names by an id, a location or a URL. Throws a `CommandError`. */
export function targetOf(api: Api, word: string): Target {
  const [, base, location] = /^(https?:\/\/[^?#]*)?\/tasks\/([^/?#]*)(?:\?[^#]*)?$/i.exec(word) ?? []
  const id = location ?? word
  const url = base === undefined ? api.url : addressOf(base)
  if (url === undefined) throw new CommandError('usage', 'the URL of a task must not have a user or a password')
  if (!isTaskId(id))
    throw new CommandError('usage', `${JSON.stringify(word)} is not the id of a task: ids are whole numbers from 1`)
  if (url === api.url) return { api, id }
  // A key, and headers from the environment, are secrets of one API, so they must not be sent to another address.
  if (api.settled)
    throw new CommandError('usage', `task ${id} is at ${url}, but the API is at ${api.url}: use --url ${url}`)
  return { api: { ...api, url }, id }
}
