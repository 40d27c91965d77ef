// Mutations of what an actor makes of an answer, and of the lack of one.
import { type Mutation, one } from './mutation.ts'

export const ACTOR_MUTATIONS: readonly Mutation[] = [
  one(
    'the clock of Retry-After',
    'a date that a service asks for is measured by the clock of the node',
    'actor/send.js',
    "dateOf(one(headers['date'])) ?? Date.now()",
    'Date.now()',
    'integration/retry-after',
  ),
  one(
    'a 1xx for the answer',
    'an answer 100 that nobody asked for reaches the parser',
    'actor/head-limit.js',
    'if (!mayBeInterim(bytes))',
    'if (true)',
    'unit/actor/head-limit',
    'integration/interim',
  ),
  one(
    'a body that grows',
    'what is packed in a body has no limit',
    'actor/body.js',
    'const zlibOptions = (cut) => ({\n    maxOutputLength: MAX_BODY,',
    'const zlibOptions = (cut) => ({',
    'unit/actor/body',
  ),
  one(
    'own lack counted',
    'a try that the node itself could not begin counts as a failed one',
    'core/answers.js',
    "if (reply.kind === 'lacking')",
    'if (false)',
    'unit/core/answers',
  ),
  one(
    'own lack at once',
    'a slot that a node cannot use takes the next task at once',
    'actor/run.js',
    'await mailbox.pause(Math.min(verdict.wait, Math.max(0, left())));\n                if (mailbox.stopped)',
    'if (mailbox.stopped)',
    'unit/actor/run.lacking',
  ),
]
