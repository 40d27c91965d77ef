// Variables of the environment that are meant for other programs, and that the client of Postgres would obey all the same.

/** Known to the client alone, not to libpq. Each breaks it: another driver, another format, another protocol, another encoding. */
const UNSUPPORTED_VARIABLE = /^(NODE_PG_FORCE_NATIVE|PGBINARY|PGREPLICATION|PGCLIENT_ENCODING)$/i

/** What libpq reads, as the client does: it fills in what DATABASE_URL leaves open. */
const LIBPQ_VARIABLE = /^PG/i

/** The names of those that a node must not keep. With the embedded Postgres that is every `PG…`: its own URL says all. */
export const foreignTo = (env: Readonly<Record<string, unknown>>, isEmbedded: boolean): string[] =>
  Object.keys(env).filter((name) => UNSUPPORTED_VARIABLE.test(name) || (isEmbedded && LIBPQ_VARIABLE.test(name)))
