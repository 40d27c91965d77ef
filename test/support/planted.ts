// Secrets that a test plants wherever a node has one: each is marked, so that nothing that the node says may hold the mark.
import { randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A secret, and what of the configuration holds it. */
export interface Plant {
  readonly what: string
  /** The texts that nobody may see. */
  readonly marks: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Members of the service: the header fields and signing secrets of all plants are joined. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signing?: string
  readonly query?: string
}

/** Plants a secret; `holding` says, of its mark, what holds it. */
function plant(what: string, holding: (mark: string) => Omit<Plant, 'what' | 'marks'>): Plant {
  const mark = `mark${randomBytes(18).toString('hex')}`
  return { what, marks: [mark, base64Of(mark)], ...holding(mark) }
}

const base64Of = (text: string): string => Buffer.from(text).toString('base64')

/** Plants one row a place. `folder`: where files with secrets may be. */
export function plantSecrets(folder: string): Plant[] {
  const inFile = (text: string): string => {
    const path = join(folder, randomUUID())
    writeFileSync(path, `${text}\n`)
    return `\${file:${path}}`
  }
  return [
    plant('a header', (mark) => ({ headers: { 'X-Header': mark } })),
    plant('a variable', (mark) => ({ env: { PLANTED: mark }, headers: { 'X-Variable': 'Bearer ${PLANTED}' } })),
    plant('a file', (mark) => ({ headers: { 'X-File': inFile(mark) } })),
    plant('the query of the URL', (query) => ({ query })),
    plant('a secret that signs', (mark) => ({ signing: `whsec_${base64Of(mark)}` })),
    plant('a secret that signs, in a file', (mark) => ({ signing: inFile(`whsec_${base64Of(mark)}`) })),
    plant('the password of Postgres', (mark) => ({ env: { PASSWORD_OF_POSTGRES: mark } })),
    plant('the password of Redis', (mark) => ({ env: { PASSWORD_OF_REDIS: mark } })),
    plant('a header of the command line', (mark) => ({ env: { TASK_API_HEADERS: `X-Caller: ${mark}` } })),
  ]
}

/** The members of a service that hold the plants. */
export function serviceWith(plants: readonly Plant[], url: string): Record<string, unknown> {
  const query = plants.flatMap((plant) => plant.query ?? []).map((text) => `key=${text}`)
  return {
    url: `${url}?${query.join('&')}`,
    headers: Object.assign({}, ...plants.map(({ headers }) => headers)) as Record<string, string>,
    signing: { secrets: plants.flatMap(({ signing }) => signing ?? []) },
  }
}

export const environmentOf = (plants: readonly Plant[]): Record<string, string> =>
  Object.assign({}, ...plants.map(({ env }) => env)) as Record<string, string>

/** A URL with the password that is planted for it. */
export function withPassword(url: string, user: string, password: string): string {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}

/** The secrets that a text shows, by what they are. */
export const shownIn = (plants: readonly Plant[], text: string): string[] =>
  plants.filter(({ marks }) => marks.some((one) => text.includes(one))).map(({ what }) => what)
