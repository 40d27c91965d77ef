// The events of the start and the stop of a node.
import type { EventRow } from '../row.ts'

export const START = {
  listening: {
    level: 'info',
    text: 'listening',
    fields: ['url', 'postgres', 'queue', 'services'],
    meaning: 'The API serves.',
    action: 'Nothing. Check that `postgres` is the database you meant.',
  },
  api_open: {
    level: 'warn',
    text: 'the API can be reached from other machines, and has no authentication',
    fields: ['host'],
    meaning: '`HOST` is not a loopback address, and the services file has no `keys`.',
    action: 'Give the callers `keys`, or make sure that only those can reach the API who may use it.',
  },
  encryption_on: {
    level: 'info',
    text: 'what Postgres keeps of callers and services is encrypted',
    fields: ['keys'],
    meaning: '`ENCRYPTION_KEYS` is set. `keys` are the ids of its keys; the first encrypts.',
    action: 'Nothing. Check that all nodes have the same keys.',
  },
  redis_not_set: {
    level: 'warn',
    text: 'without REDIS_URL other nodes take up to 2 s to start a task and 3 s to cancel one',
    fields: [],
    meaning: '`DATABASE_URL` is set and `REDIS_URL` is not.',
    action: 'Set `REDIS_URL`, or accept the delays.',
  },
  setting_misspelt: {
    level: 'warn',
    text: 'a variable is nearly the name of a setting, and is not read',
    fields: ['variable', 'meant'],
    meaning: '`variable` is one slip away from the setting `meant`, which is not set.',
    action: 'Correct the name. Nothing, if the variable is meant for another program.',
  },
  open_files_low: {
    level: 'warn',
    text: 'too few open files are allowed for SLOTS and the connections; raise `ulimit -n`',
    fields: ['limit', 'needed'],
    meaning: '`limit` is lower than `needed`.',
    action: 'Raise `ulimit -n` (systemd: `LimitNOFILE`).',
  },
  postgres_awaited: {
    level: 'error',
    text: 'postgres cannot be reached; trying on',
    fields: ['why'],
    meaning:
      'The node cannot use Postgres and tries again; logged every 10 s. `why` may also name a wrong password, missing rights, tables of another program, or migrations of a newer release.',
    action: 'Read `why`.',
  },
  postgres_answers: {
    level: 'info',
    text: 'postgres answers',
    fields: [],
    meaning: 'The start goes on after `postgres_awaited`.',
    action: 'Nothing.',
  },
  retention_not_set: {
    level: 'warn',
    text: 'ended tasks are kept for ever: this database is older than `retention`, and the services file does not set it',
    fields: [],
    meaning: 'Nothing is purged. New databases keep complete tasks for 30 days and failed ones for 90.',
    action: 'Set `retention` in the services file; `{ complete: 0, failed: 0 }` keeps all for ever.',
  },
  services_reloaded: {
    level: 'info',
    text: 'the services file was read again',
    fields: ['added', 'changed', 'removed'],
    meaning:
      'The services of this node are those of the file now. All three are empty where only the `retention` of all services has changed. They are empty, too, where a file that was not valid is again what it was.',
    action: 'Nothing. Change the file on the other nodes as well.',
  },
  keys_reloaded: {
    level: 'info',
    text: 'the keys were read again',
    fields: ['added', 'changed', 'removed'],
    meaning: 'The keys of this node are those of the services file now. Requests with a key that is gone are refused.',
    action: 'Nothing. Change the file on the other nodes as well.',
  },
  services_rejected: {
    level: 'error',
    text: 'the services file is not valid; the services stay as they are',
    fields: ['faults'],
    meaning: 'The services file has changed, and has faults, or it cannot be read. This node could not start with it.',
    action: 'Correct each of `faults`. The file is read again when it changes.',
  },
  start_failed: {
    level: 'fatal',
    text: 'this node could not start',
    fields: ['err'],
    meaning:
      'The process ends with exit code 1. A port that is taken, and a fault of the embedded Postgres, are one line on stderr instead.',
    action: 'Read `err`.',
  },
} as const satisfies Record<string, EventRow>

export const STOP = {
  stopping: {
    level: 'info',
    text: 'stopping',
    fields: ['signal'],
    meaning: 'A signal has come, or npm has ended. The node stops.',
    action: 'Nothing.',
  },
  draining: {
    level: 'info',
    text: 'draining',
    fields: ['tasks', 'timeout'],
    meaning: 'The node waits up to `timeout` for the answers of `tasks` requests.',
    action: 'Nothing.',
  },
  requests_cut_off: {
    level: 'warn',
    text: 'requests were cut off; other nodes repeat them',
    fields: ['tasks'],
    meaning: '`DRAIN_TIMEOUT` was too short. The requests are sent again, with the same `Idempotency-Key`.',
    action: 'If repeats hurt, raise `DRAIN_TIMEOUT` above the time of the slowest answer.',
  },
  lease_kept: {
    level: 'warn',
    text: 'the lease could not be given up',
    fields: [],
    meaning: 'The node stopped while Postgres was away.',
    action: 'Nothing. Other nodes take its tasks over when the lease ends.',
  },
  part_not_stopped: {
    level: 'error',
    text: 'a part could not be stopped',
    fields: ['err'],
    meaning: 'Something failed while the node stopped. The other parts were stopped.',
    action: 'Report it with `err`.',
  },
  stopped: {
    level: 'info',
    text: 'stopped',
    fields: [],
    meaning: 'The process ends with exit code 0.',
    action: 'Nothing.',
  },
  stopped_at_once: {
    level: 'warn',
    text: 'stopped at once',
    fields: ['signal'],
    meaning: 'A second signal has come. The process ends with exit code 1.',
    action: 'Nothing. Other nodes take its tasks over within 12 s.',
  },
} as const satisfies Record<string, EventRow>
