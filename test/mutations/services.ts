// The mutations of services at run time: what is counted, shown, changed, explained and kept.
import { type Mutation, one } from './mutation.ts'
import { RETENTION_MUTATIONS } from './retention.ts'

const [MINUTES, SHOW, CHANGE, TOLD, EXPLAIN] = ['minutes', 'show', 'change', 'told', 'explain'].map(
  (name) => `integration/services/${name}`,
) as [string, string, string, string, string]

export const SERVICE_MUTATIONS: readonly Mutation[] = [
  one(
    'ends are not counted',
    'an end that was written does not count',
    'store/fenced.js',
    'told?.(entry);',
    '',
    MINUTES,
  ),
  one(
    'replays count',
    'a repeat of a POST counts as created',
    'store/store.js',
    'if (!created.replayed)',
    'if (created)',
    MINUTES,
  ),
  one(
    'counts are added',
    'the numbers of a minute are added to those before',
    'store/minutes.js',
    '${name} = excluded.${name}',
    '${name} = minutes.${name} + excluded.${name}',
    MINUTES,
  ),
  one(
    'counts of minutes that are over',
    'a new minute begins with the counts of the last',
    'store/minutes.js',
    'this.#before.set(service, now);',
    '',
    MINUTES,
  ),
  one(
    'the query is shown',
    'the query of a URL is shown',
    'core/service.js',
    "url.replace(/[?#].*$/s, '')",
    'url',
    SHOW,
  ),
  one(
    'nobody knows',
    'a service is changed that nobody knows',
    'api/services.js',
    '&& found.nodes.length === 0',
    '&& found.nodes.length < 0',
    CHANGE,
  ),
  one(
    'nobody is told',
    'a change is told to nobody',
    'api/services.js',
    'api.supervision.serviceChanged(await changed(name));',
    'await changed(name);',
    TOLD,
  ),
  one(
    'the limit of the file',
    'a limit that was set does not come before that of the file',
    'core/explain.js',
    'state?.limit ?? ofFile',
    'ofFile ?? state?.limit',
    EXPLAIN,
  ),
  one(
    'what waits is granted',
    'a task that nobody has counts as an open request',
    'store/facts.js',
    'and ${OPEN_GRANT}',
    'and t.granted',
    EXPLAIN,
  ),
  ...RETENTION_MUTATIONS,
]
