// Keys of callers: the token of each is made from its name.
import { hashOf, type Key, type Scope, SCOPES } from '../../src/core/key.ts'

/** The token of the key of a name. */
export const tokenOf = (name: string): string => `tk_${name}`

/** The header that a caller with that key sends. */
export const as = (name: string): { readonly authorization: string } => ({ authorization: `Bearer ${tokenOf(name)}` })

/** A key that may do everything, unless it is said otherwise. */
export const aKey = (name: string, members: Partial<Key> = {}): Key => ({
  name,
  hashes: [hashOf(tokenOf(name))],
  scopes: Object.keys(SCOPES) as Scope[],
  services: undefined,
  own: false,
  expires: undefined,
  ...members,
})
