// The operations that tell of the node that is asked, and of its API.
import { ABOUT, DOCS, PATHS } from '../api/front.ts'
import { SCOPES } from '../core/key.ts'
import { type Operations, READS } from './operation.ts'

const STATES = 'What works, part by part.'

export const NODE: Operations = {
  'GET /': {
    id: 'getFront',
    tag: 'Node',
    summary: 'Say what this is',
    description: 'JSON, or a short page for a caller that prefers HTML, as browsers do.',
    answers: { 200: { meaning: 'Where to go on.', body: 'Front' } },
    refusals: [],
    examples: { json: { summary: 'As JSON', status: 200, answer: { about: ABOUT, paths: PATHS, docs: DOCS } } },
  },
  'GET /ui': {
    id: 'getUi',
    tag: 'Node',
    summary: 'The page for people',
    description: 'It loads its own files from below /ui/, and asks this API for all that it shows.',
    headers: ['If-None-Match'],
    answers: {
      200: { meaning: 'The page.', body: { type: 'string' }, type: 'text/html', headers: ['ETag'] },
      304: { meaning: 'The caller has it.', headers: ['ETag'] },
    },
    refusals: [],
    examples: { html: { summary: 'The page', status: 200 } },
  },
  'GET /livez': {
    id: 'getLife',
    tag: 'Node',
    summary: 'Whether the process serves',
    description: 'It says nothing of Postgres.',
    answers: { 200: { meaning: 'It does.', body: 'Life' } },
    refusals: [],
    examples: { up: { summary: 'A node that lives', status: 200, answer: { status: 'up' } } },
  },
  'GET /readyz': {
    id: 'getReadiness',
    tag: 'Node',
    summary: 'Whether the node is ready for requests',
    description:
      'Postgres answers and takes writes, and the node does not drain. Without Redis it is `degraded`, and ready.',
    answers: {
      200: { meaning: STATES, body: 'Readiness' },
      503: { meaning: STATES, body: 'Readiness', headers: ['Retry-After'] },
    },
    refusals: [],
    examples: {
      ready: {
        summary: 'A node that is ready',
        status: 200,
        answer: { status: 'ready', postgres: 'up', queue: { kind: 'redis', status: 'up' } },
      },
    },
  },
  'GET /openapi.json': {
    id: 'getOpenApi',
    tag: 'Node',
    summary: 'This document',
    description: 'OpenAPI 3.1. The same file is in the package: docs/openapi.json.',
    headers: ['If-None-Match'],
    answers: {
      200: {
        meaning: 'The document.',
        body: { type: 'object', required: ['openapi', 'info', 'paths'] },
        headers: ['ETag'],
      },
      304: { meaning: 'The caller has it.', headers: ['ETag'] },
    },
    refusals: [],
    examples: { json: { summary: 'The document', status: 200 } },
  },
  'GET /docs': {
    id: 'getDocs',
    tag: 'Node',
    summary: 'This document as a page for people',
    description: 'It loads nothing from elsewhere.',
    headers: ['If-None-Match'],
    answers: {
      200: { meaning: 'The page.', body: { type: 'string' }, type: 'text/html', headers: ['ETag'] },
      304: { meaning: 'The caller has it.', headers: ['ETag'] },
    },
    refusals: [],
    examples: { html: { summary: 'The page', status: 200 } },
  },
  'GET /nodes': {
    id: 'listNodes',
    tag: 'Node',
    summary: 'List the nodes that are alive',
    description: 'By name.',
    answers: { 200: { meaning: 'The nodes.', body: ['Node'] } },
    refusals: READS,
    examples: {
      all: {
        summary: 'One node',
        status: 200,
        answer: [
          {
            name: 'host:3000',
            version: '0.2.0',
            since: '2026-11-28T20:00:00.000Z',
            beat: '2026-11-28T20:00:00.000Z',
            slots: 1000,
            running: 0,
            services: ['demo'],
          },
        ],
      },
    },
  },
  'GET /stats': {
    id: 'getStats',
    tag: 'Node',
    summary: 'Show what tasks came to, by the minute',
    description: 'Of all nodes, written every 10 s, and kept for 48 h.',
    answers: { 200: { meaning: 'The minutes of each service, the oldest first.', body: ['Minute'] } },
    refusals: READS,
    examples: { none: { summary: 'A service without tasks', query: { service: 'none' }, status: 200, answer: [] } },
  },
  'GET /failures': {
    id: 'listFailures',
    tag: 'Node',
    summary: 'Show failed tasks in groups',
    description:
      'Tasks of one service and action that failed with the same code, status and words, that with the latest end first. Of the 10,000 ' +
      'newest failed tasks those are counted that ended since then and have not been retried.',
    answers: { 200: { meaning: 'The groups; the first 200.', body: ['FailureGroup'] } },
    refusals: READS,
    examples: { none: { summary: 'A service without tasks', query: { service: 'none' }, status: 200, answer: [] } },
  },
  'GET /caller': {
    id: 'getCaller',
    tag: 'Node',
    summary: 'Show what the key of the request may do',
    description: 'Without keys everybody has every scope.',
    answers: { 200: { meaning: 'The caller.', body: 'Caller' } },
    refusals: [],
    examples: {
      anybody: {
        summary: 'A node without keys',
        status: 200,
        answer: { name: null, scopes: Object.keys(SCOPES), services: null, own: false, version: '0.2.0' },
      },
    },
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'Node',
    summary: 'The metrics of this node, for Prometheus',
    description: 'The names and labels are in docs/operations.md.',
    answers: { 200: { meaning: 'The metrics as text.', body: { type: 'string' }, type: 'text/plain' } },
    refusals: [],
    examples: { text: { summary: 'The metrics', status: 200 } },
  },
}
