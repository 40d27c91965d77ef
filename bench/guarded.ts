// The scene of guards: what keys, encryption at rest and signatures cost.
import { randomBytes } from 'node:crypto'
import { hashOf } from '../src/core/key.ts'
import type { Contender } from './measure.ts'
import { TOKEN } from './peers.ts'
import type { Goal } from './scene.ts'

const secret = (): string => randomBytes(32).toString('base64')
const keys = {
  bench: { hash: `sha256:${hashOf(TOKEN)}`, scopes: ['submit', 'read'] },
  other: { hash: `sha256:${hashOf('tk_other')}`, scopes: ['read'] },
}

/** The contenders. */
export const GUARDED = {
  'no guard': {},
  keys: { file: { keys } },
  encrypted: { env: { ENCRYPTION_KEYS: secret() } },
  signed: { ofStub: { signing: { secrets: [`whsec_${secret()}`] } } },
} as const satisfies Record<string, Contender['ground']>

export const GUARDED_GOALS: readonly Goal[] = [
  { figure: 'tasks/s', of: 'keys', against: 'no guard', least: 0.97 },
  // No promises: what they cost.
  { figure: 'tasks/s', of: 'encrypted', against: 'no guard' },
  { figure: 'tasks/s', of: 'signed', against: 'no guard' },
]
