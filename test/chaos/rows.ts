// The table of faults: every row, in the order in which it is run and printed.
import { deletesRow } from './rows/deletes.ts'
import { endsRow } from './rows/ends.ts'
import { threadsRow } from './rows/threads.ts'
import { hostileRow } from './rows/hostile.ts'
import { failoverRow } from './rows/failover.ts'
import { keysRow } from './rows/keys.ts'
import { limitsRow } from './rows/limits.ts'
import { linksRow } from './rows/links.ts'
import { freezeRow, killRow, stopRow } from './rows/nodes.ts'
import { noRedisRow } from './rows/no-redis.ts'
import { overloadRow } from './rows/overload.ts'
import { pointsRow } from './rows/points.ts'
import { clusterRow, sentinelRow } from './rows/redis-groups.ts'
import { repliesRow } from './rows/replies.ts'
import { postgresRow, redisRow } from './rows/servers.ts'
import type { Row } from './row.ts'

export const ROWS: readonly Row[] = [
  killRow,
  pointsRow,
  stopRow,
  freezeRow,
  redisRow,
  sentinelRow,
  clusterRow,
  noRedisRow,
  postgresRow,
  failoverRow,
  repliesRow,
  keysRow,
  endsRow,
  limitsRow,
  linksRow,
  hostileRow,
  threadsRow,
  deletesRow,
  overloadRow,
]
