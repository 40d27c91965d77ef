// The mutations of what comes of an end: the callback of a service, and the task that undoes a cancelled one.
import { type Mutation, one } from './mutation.ts'

const CALLBACKS = 'integration/callers/service-callbacks'
const UNDOING = 'integration/callers/on-cancel'

export const END_MUTATIONS: readonly Mutation[] = [
  one(
    'no callback of a service',
    'a task has no callback but its own',
    'store/creations.js',
    'options?.callback ?? service?.callback',
    'options?.callback',
    CALLBACKS,
  ),
  one(
    'callback of the service first',
    'the callback of a task gives way to that of its service',
    'store/creations.js',
    'options?.callback ?? service?.callback',
    'service?.callback ?? options?.callback',
    CALLBACKS,
  ),
  one(
    'unknown service of a callback',
    'a callback may name a service that nobody knows',
    'config/across.js',
    'names.includes(service))',
    'true)',
    'unit/config/callback',
  ),
  one(
    'undoes what never began',
    'a task that has not begun is undone when it is cancelled',
    'store/removals.js',
    "where gone.status = 'running'",
    'where gone.alive',
    UNDOING,
  ),
  one(
    'no lock at a cancellation',
    'a cancellation believes what it has read before it waited for the row',
    'store/removals.js',
    'order by t.id for update',
    'order by t.id',
    UNDOING,
  ),
]
