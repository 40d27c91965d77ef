// The operations of services, and of the node that is asked.
import { type Operations, READS, WRITES } from './operation.ts'

/** The demo service as the API shows it. */
const demo = (changed: object = {}): object => ({
  name: 'demo',
  url: 'http://127.0.0.1:41234/{action}',
  paused: null,
  gatedUntil: null,
  concurrency: 100,
  limit: null,
  rate: null,
  running: 0,
  waiting: 0,
  delayed: 0,
  retrying: 0,
  oldestSeconds: null,
  lastHour: { complete: 4, failed: 3 },
  nodes: ['host:3000'],
  ...changed,
})
const LIMIT = { concurrency: 10, rate: '50/s' }
const REASON = 'maintenance until noon'

export const SERVICES: Operations = {
  'GET /services': {
    id: 'listServices',
    tag: 'Services',
    summary: 'List the services by name',
    description: 'All that this node or another live node knows.',
    answers: { 200: { meaning: 'The services.', body: ['Service'] } },
    refusals: READS,
    examples: { all: { summary: 'All', status: 200, answer: [demo()] } },
  },
  'GET /services/:name': {
    id: 'getService',
    tag: 'Services',
    summary: 'Show a service',
    description: 'Its tasks are counted to 1,000.',
    answers: { 200: { meaning: 'The service.', body: 'Service' } },
    refusals: READS,
    examples: { one: { summary: 'One', path: 'demo', status: 200, answer: demo() } },
  },
  'PATCH /services/:name': {
    id: 'changeService',
    tag: 'Services',
    summary: 'Set the limit of a service over all nodes',
    description: "It counts in place of the file's, until null, and binds what is granted from 2 s later on.",
    body: 'ServiceChange',
    answers: { 200: { meaning: 'The service as it now is.', body: 'Service' } },
    refusals: [...WRITES, 'invalid_service'],
    examples: {
      limited: {
        summary: 'Ten requests at once, and fifty a second',
        path: 'demo',
        body: { limit: LIMIT },
        status: 200,
        answer: demo({ limit: LIMIT, rate: LIMIT.rate }),
      },
      free: { summary: 'As in the file', path: 'demo', body: { limit: null }, status: 200, answer: demo() },
    },
  },
  'POST /services/:name/pause': {
    id: 'pauseService',
    tag: 'Services',
    summary: 'Stop the requests of a service on all nodes',
    description:
      'Within 2 s no request begins. Tasks are accepted and wait; deadlines run on. A pause survives restarts.',
    body: 'Pause',
    answers: { 200: { meaning: 'The service as it now is.', body: 'Service' } },
    refusals: [...WRITES, 'invalid_service'],
    examples: {
      reason: {
        summary: 'With a reason',
        path: 'demo',
        body: { reason: REASON },
        status: 200,
        answer: demo({ paused: { since: '2026-11-28T20:00:00.000Z', by: 'api', reason: REASON } }),
      },
    },
  },
  'POST /services/:name/resume': {
    id: 'resumeService',
    tag: 'Services',
    summary: 'End the pause and the gate of a service',
    description: 'Its tasks go on at once.',
    answers: { 200: { meaning: 'The service as it now is.', body: 'Service' } },
    refusals: WRITES,
    examples: { one: { summary: 'One', path: 'demo', status: 200, answer: demo() } },
  },
  'POST /services/reload': {
    id: 'reloadServices',
    tag: 'Services',
    summary: 'Read the services file of this node again',
    description: 'A file with faults changes nothing.',
    answers: { 200: { meaning: 'The names of the services that differ.', body: 'ServiceChanges' } },
    refusals: ['invalid_services', 'no_services_file'],
    examples: {
      same: { summary: 'Nothing has changed', status: 200, answer: { added: [], changed: [], removed: [] } },
    },
  },
}
