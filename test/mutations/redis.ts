// The mutations of the queue at Redis, and of a node that does without: what is refused, and what goes on by itself.
import { type Mutation, one } from './mutation.ts'

const RIGHTS = 'integration/queue.rights'
const GROUPS = 'integration/queue.groups'

export const REDIS_MUTATIONS: readonly Mutation[] = [
  one(
    'another database',
    'a database that Redis refuses is database 0',
    'queue/link.js',
    'else if (trouble !== undefined)',
    'else if (false)',
    RIGHTS,
  ),
  one(
    'ready without pops',
    'a queue from which nobody may pop is healthy',
    'queue/redis.js',
    "&& !this.#stuck.has('pop')",
    '',
    RIGHTS,
  ),
  one(
    'lists that only grow',
    'ids are pushed though nobody can pop them',
    'queue/redis.js',
    'this.#running && this.#healthy ?',
    'this.#running ?',
    RIGHTS,
  ),
  one(
    'rights untried',
    'what Redis refuses is found when it is needed',
    'queue/redis.js',
    'first || this.#refused.length > 0 ? this.#tryAll(client) : undefined',
    'undefined',
    RIGHTS,
  ),
  one(
    'the first Sentinel alone',
    'a Sentinel that hangs keeps a node from its Redis',
    'queue/place.js',
    'Promise.any([...clients]',
    'Promise.any([...clients].slice(0, 1)',
    GROUPS,
  ),
  one(
    'MOVED unread',
    'a node of a Cluster that has not the keys is no help',
    'queue/place.js',
    'port === undefined',
    'true',
    GROUPS,
  ),
  one(
    'with the old primary',
    'ids and notices go elsewhere than the commands',
    'queue/redis.js',
    'link.follow(commands.place);',
    '',
    GROUPS,
  ),
]
