// Grant: a node makes rows of a service with a limit its own; each is the grant of one request.
import type { Terms } from '../core/limit.ts'
import type { Wanted } from '../store/claims.ts'
import type { Granted } from '../store/grants.ts'
import type { Store } from '../store/store.ts'

/** Claims due rows of a service with a limit, as far as Postgres grants their requests. Throws a `StoreError`. */
export const grant = (
  { store, node, validUntil }: { store: Pick<Store, 'grant'>; node: string; validUntil: string },
  token: number,
  service: string,
  wanted: Wanted,
  terms: Terms,
): Promise<Granted> => store.grant({ node, token, validUntil }, service, wanted, terms)
