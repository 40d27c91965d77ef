// Checks of Node: its version, and the files that it was to read when it started.
import { accessSync, constants } from 'node:fs'
import type { Environment } from '../config/settings.ts'
import { type Checks, type Finding, fault, judged, ok } from './finding.ts'

/** What is asked of Node. */
export interface NodeFacts {
  /** As `20.19.0`. */
  readonly version: string
  /** The file of NODE_EXTRA_CA_CERTS; undefined: none is named. */
  readonly certificates?: string | undefined
  /** Whether that file can be read. */
  readonly readable?: boolean
}

/** The oldest Node: that of package.json. */
export const OLDEST_NODE = '20.19'

export const NODE_CHECKS: Checks<NodeFacts> = {
  version: {
    asks: `whether Node is ${OLDEST_NODE} or newer`,
    mend: `Install Node ${OLDEST_NODE} or newer.`,
    judge: ({ version }) => {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const [leastMajor = 0, leastMinor = 0] = OLDEST_NODE.split('.').map(Number)
      const fits = major > leastMajor || (major === leastMajor && minor >= leastMinor)
      return fits ? ok(`Node ${version}`) : fault(`Node ${version} is too old`)
    },
  },
  certificates: {
    asks: 'whether the file of `NODE_EXTRA_CA_CERTS` can be read: Node itself only warns',
    mend: 'Name a file with certificates in NODE_EXTRA_CA_CERTS that this user may read.',
    judge: ({ certificates, readable }) => {
      if (certificates === undefined) return ok('only the certificates that Node brings')
      return readable ? ok(`also those of ${certificates}`) : fault(`${certificates} cannot be read`)
    },
  },
}

/** Checks this process. */
export function nodeFindings(env: Environment): Finding[] {
  const certificates = env['NODE_EXTRA_CA_CERTS'] || undefined
  return judged('node', NODE_CHECKS, {
    version: process.versions.node,
    certificates,
    readable: certificates !== undefined && isReadable(certificates),
  })
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}
