// What to do about a server that cannot be reached, by what the error says.

/** A server, and what names its address. */
export interface Place {
  /** Such as `Postgres`. */
  readonly server: string
  /** Such as `DATABASE_URL`. */
  readonly setting: string
}

/** One row a kind of error; the first that fits is used. */
const MENDS: readonly (readonly [words: RegExp, mend: (place: Place) => string])[] = [
  [/statement pooling/, () => 'Set pool_mode = transaction in the pooler: a migration needs transactions.'],
  [/ENOTFOUND|EAI_AGAIN/, ({ setting }) => `Correct the host of ${setting}, or mend the name service of this machine.`],
  [/ECONNREFUSED|ENOENT/, ({ server, setting }) => `Start ${server}, or correct host and port of ${setting}.`],
  [
    /28P01|28000|WRONGPASS|NOAUTH|AUTH|password|pg_hba|no encryption/i,
    ({ server, setting }) => `Correct user and password of ${setting}, or let ${server} admit this user.`,
  ],
  [/3D000/, ({ setting }) => `Create the database with createdb, or correct its name in ${setting}.`],
  [/DB index|'select'/, ({ setting }) => `Name a database in ${setting} that the server has and the user may select.`],
  [/NOPERM/, () => 'Give the user the rights of its ACL line in docs/operations.md#redis.'],
  [/53300/, ({ server }) => `End sessions of ${server}, or raise the number of connections that it allows.`],
  [/53400/, () => 'Raise temp_file_limit to 64 MB or more.'],
  [/53100|No space left/, ({ server }) => `Make room on the disk of ${server}.`],
  [
    /55P03|57014/,
    () => 'Let the session end that holds the lock (postgres.locks), or look at what makes Postgres slow.',
  ],
  [/42501/, () => 'Grant the role usage and create on the schema, and all on its tables and sequences.'],
  [/57P03|LOADING/, ({ server }) => `Wait until ${server} has started; read its log if that lasts.`],
  [
    /CERT|SSL|TLS|EPROTO|self.signed|issuer|altnames/i,
    ({ server, setting }) =>
      `Let the protocol of ${setting} and the certificate of ${server} fit; a private CA belongs into the file of NODE_EXTRA_CA_CERTS, for Postgres into sslrootcert.`,
  ],
  [
    /timed? ?out|timeout|no answer|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i,
    ({ server }) => `Let this machine reach ${server}: look at firewalls and routes, and whether the server hangs.`,
  ],
  [
    /Cluster|Sentinel/,
    ({ setting }) =>
      `Write ${setting} as docs/operations.md#redis says for one Redis, for Sentinels and for a Cluster.`,
  ],
]

/** What to do about an error, in one sentence. */
export const mendOf = (said: string, place: Place): string =>
  MENDS.find(([words]) => words.test(said))?.[1](place) ?? `Read what ${place.server} says, and its log.`

/** What an error says, in one line, and its code. Several addresses of a host may have failed: the first counts. */
export function saidBy(error: unknown): string {
  const { errors, code, message } = Object(error) as { errors?: unknown[]; code?: unknown; message?: unknown }
  if (Array.isArray(errors) && errors.length > 0) return saidBy(errors[0])
  const text = String(message ?? error).replaceAll(/\s+/g, ' ')
  return typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text
}
