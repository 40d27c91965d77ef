// The check of the hosts of DATABASE_URL, where there are several.
import type { ServerSeen } from '../store/seen.ts'
import { type Checks, fault, ok, warning } from './finding.ts'
import { saidBy } from './mends.ts'

export const SERVERS_CHECKS: Checks<readonly ServerSeen[]> = {
  servers: {
    asks: 'of several hosts in `DATABASE_URL`: what each of them is, and whether exactly one takes writes',
    mend: 'Start the server, or correct its host and port in DATABASE_URL.',
    judge: (servers) => {
      const words = {
        primary: 'the primary',
        standby: 'a standby',
        'read-only': 'read-only',
        unreachable: 'unreachable',
      }
      const why = (error: unknown): string => (error === undefined ? '' : ` (${saidBy(error)})`)
      const said = servers.map(({ host, is, error }) => `${host} is ${words[is]}${why(error)}`).join(', ')
      const primaries = new Set(servers.flatMap(({ is, started }) => (is === 'primary' ? [started] : [])))
      if (primaries.size === 0)
        return fault(`no server takes writes: ${said}`, 'Promote a standby, or start the primary.')
      if (primaries.size > 1)
        return fault(`several servers take writes: ${said}`, 'Stop the old primary at once: what it is told is lost.')
      return servers.some(({ is }) => is === 'unreachable') ? warning(said) : ok(said)
    },
  },
}
