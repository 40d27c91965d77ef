// The schemas of limits: of a service over all nodes, and of what a key may create.
import { z } from 'zod'
import type { Quota } from '../core/key.ts'
import { A_RATE, faultsOfLimit, type Limit, type LimitFault, MOST, RATE_PATTERN } from '../core/limit.ts'
import { faultsOfQuota } from '../core/quota.ts'
import { wholeNumber } from './rules.ts'

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const wholeFrom1 = (most: number, description: string) => ({
  description: `${description} ${sentence(wholeNumber(1, most).expected)}`,
  type: 'integer',
  minimum: 1,
  maximum: most,
})

const rate = (description: string) => ({
  pattern: `${RATE_PATTERN}|\\$\\{`,
  description: `${description} ${sentence(A_RATE)}`,
  type: 'string',
})

/** A mapping that has no faults by a rule. */
const ruled = <T>(faultsOf: (value: unknown) => readonly LimitFault[], description: string, properties: object) =>
  z
    .unknown()
    .transform((value, context) => {
      for (const { member, expected } of faultsOf(value))
        context.addIssue({ code: 'custom', path: member === '' ? [] : [member], message: expected })
      return value as T
    })
    .optional()
    .meta({ description, type: 'object', properties, additionalProperties: false })

export const limit = ruled<Limit>(
  faultsOfLimit,
  'What holds over all nodes: requests open at once, and requests that begin in a time.',
  {
    concurrency: wholeFrom1(MOST.concurrency, 'Requests open at once, over all nodes.'),
    rate: rate('Requests that begin, over all nodes.'),
    burst: wholeFrom1(MOST.burst, 'Requests that may begin together after a rest; by default the number of the rate.'),
  },
)

export const quota = ruled<Quota>(
  faultsOfQuota,
  'How many tasks its caller may create; by default as many as he likes.',
  {
    rate: rate('Tasks created, on one node.'),
    burst: wholeFrom1(MOST.burst, 'Tasks that may come together after a rest; by default the number of the rate.'),
    waiting: wholeFrom1(MOST.waiting, 'Tasks that may wait, over all nodes, about.'),
  },
)
