// The schema of `signing`: the secrets that sign the requests to a service.
import { z } from 'zod'
import { A_SIGNING_SECRET, SIGNING_SECRET_PATTERN, signingKeyOf } from '../core/signing.ts'

const SECRETS = `a list of 1 to 10 secrets, each ${A_SIGNING_SECRET}`

/** The schema of the member `signing` of a service. */
export const signing = z
  .strictObject(
    {
      secrets: z
        .array(
          z
            .string(A_SIGNING_SECRET)
            .refine((secret) => signingKeyOf(secret) !== undefined, A_SIGNING_SECRET)
            .meta({ pattern: `${SIGNING_SECRET_PATTERN}|\\$\\{` }),
          SECRETS,
        )
        .min(1, SECRETS)
        .max(10, SECRETS)
        .meta({ description: 'Each signs every request, so that one can take the place of another: 1 to 10.' }),
    },
    'a mapping',
  )
  .optional()
  .meta({ description: 'Signatures of every request, by Standard Webhooks. The secrets are never shown.' })
