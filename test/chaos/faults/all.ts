// All faults, for the mix.
import type { Fault } from './fault.ts'
import { LINK_FAULTS } from './links.ts'
import { freeze, kill, stop } from './nodes.ts'
import { POSTGRES_FAULTS } from './postgres.ts'
import { REDIS_FAULTS } from './redis.ts'

export const FAULTS: readonly Fault[] = [kill, stop, freeze, ...REDIS_FAULTS, ...POSTGRES_FAULTS, ...LINK_FAULTS]
