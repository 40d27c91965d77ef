// The events of services as a whole: pauses and gates.
import type { EventRow } from '../row.ts'

export const SERVICES = {
  service_paused: {
    level: 'warn',
    text: 'a service is paused: none of its requests begins here',
    fields: ['service', 'by', 'why?'],
    meaning:
      'Somebody has paused the service, or `pauseAfter` has (`by` is `task_api` then). Every node says so. Its tasks wait.',
    action: 'When the service is well again: `task_api resume`.',
  },
  service_gated: {
    level: 'warn',
    text: 'a service has asked for rest: none of its requests begins here',
    fields: ['service', 'why', 'wait'],
    meaning:
      'The service answered `why` with `Retry-After`, and has `gate: true`. After `wait` ms one request goes alone.',
    action: 'Nothing, unless it lasts: look at the service.',
  },
  service_begins_again: {
    level: 'info',
    text: 'requests of a service begin again',
    fields: ['service'],
    meaning: 'Its pause or its gate is over.',
    action: 'Nothing.',
  },
} as const satisfies Record<string, EventRow>
