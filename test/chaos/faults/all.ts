// All faults, for the mix.
import type { Fault } from './fault.ts'
import { HOSTILE_FAULTS } from './hostile.ts'
import { LINK_FAULTS } from './links.ts'
import { LOAD_FAULTS } from './load.ts'
import { freeze, kill, stop } from './nodes.ts'
import { POINT_FAULTS } from './points.ts'
import { POSTGRES_FAULTS } from './postgres.ts'
import { REDIS_FAULTS } from './redis.ts'
import { REPLY_FAULTS } from './replies.ts'
import { THREAD_FAULTS } from './threads.ts'

const NODE_FAULTS: readonly Fault[] = [kill, stop, freeze]

export const FAULTS: readonly Fault[] = [
  NODE_FAULTS,
  POINT_FAULTS,
  THREAD_FAULTS,
  REDIS_FAULTS,
  POSTGRES_FAULTS,
  REPLY_FAULTS,
  LINK_FAULTS,
  HOSTILE_FAULTS,
  LOAD_FAULTS,
].flat()
