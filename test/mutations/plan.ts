// The mutations of the plan and of those who carry it out: what is claimed, when, and by whom.
import { type Mutation, one } from './mutation.ts'

export const PLAN_MUTATIONS: readonly Mutation[] = [
  one(
    'no full pass',
    'rows are found by popped ids alone',
    'supervisor/full-pass.js',
    'async #pass() {',
    'async #pass() {\n        return false;',
    'integration/one-actor',
  ),
  one(
    'pass from the mark',
    'a pass begins where the last claim ended',
    'supervisor/full-pass.js',
    "wantedOf(lane, count, 'start')",
    "wantedOf(lane, count, 'mark')",
    'integration/claim-pace',
  ),
  one(
    'no look behind the mark',
    'a bell that found nothing is forgotten',
    'core/plan.js',
    'lane.missed > 0 && now >= lane.lookAfter',
    'false',
    'unit/core/plan',
  ),
  one(
    'slots in lumps',
    'the first lane takes all free slots',
    'core/plan.js',
    'Math.max(1, Math.floor(left / open.length))',
    'left',
    'unit/core/plan',
  ),
  one(
    'a slot kept until the end is written',
    '`concurrency` counts tasks, not requests open',
    'supervisor/reports.js',
    'if (isLast(report))',
    'if (false)',
    'unit/supervisor/reports',
    'integration/direct',
  ),
]
