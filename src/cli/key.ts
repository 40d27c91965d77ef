// The command `key new`: makes a key. It asks no server: the entry goes into the services file, the token to whoever uses the key.
import { randomBytes } from 'node:crypto'
import { expiryOf, hashOf, type Scope, SCOPES } from '../core/key.ts'
import { SERVICE_NAME } from '../core/service.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'

/** What the scopes are where none are named. */
const DEFAULT_SCOPES: readonly Scope[] = ['submit', 'read']

/** `key new NAME` */
export async function key({ values, json, print }: Context, verb: string, name?: string): Promise<Exit> {
  if (verb !== 'new') throw new CommandError('usage', `key knows new, and not ${JSON.stringify(verb)}`)
  if (name === undefined) throw new CommandError('usage', 'too few words: task_api key new NAME')
  const scopes = listOf(values.scope) ?? DEFAULT_SCOPES
  const services = listOf(values.service)
  const { expires } = values
  const foreign = scopes.find((scope) => !Object.hasOwn(SCOPES, scope))
  if (foreign !== undefined)
    throw new CommandError(
      'usage',
      `--scope knows ${Object.keys(SCOPES).join(', ')}, and not ${JSON.stringify(foreign)}`,
    )
  for (const text of [name, ...(services ?? [])])
    if (!SERVICE_NAME.test(text))
      throw new CommandError('usage', `${JSON.stringify(text)} is not a name: 1 to 100 of A-Z a-z 0-9 . _ -`)
  if (expires !== undefined && !((expiryOf(expires) ?? 0) > Date.now()))
    throw new CommandError('usage', '--expires must be a date or a time to come, such as 2027-12-31')

  const token = `tk_${randomBytes(32).toString('base64url')}`
  const own = values.own === undefined ? undefined : true
  const entry = { hash: `sha256:${hashOf(token)}`, scopes, services, own, expires }
  if (json) print(JSON.stringify({ token, keys: { [name]: entry } }))
  else {
    print(`The token, shown only now: ${token}\n\nThe entry for the services file:\n\nkeys:\n  ${name}:`)
    // JSON is YAML.
    for (const [member, value] of Object.entries(entry))
      if (value !== undefined) print(`    ${member}: ${JSON.stringify(value)}`)
  }
  return 'ok'
}

const listOf = (text: string | undefined): string[] | undefined =>
  text === undefined ? undefined : [...new Set(text.split(','))]
