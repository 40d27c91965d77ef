// Environment variables that are meant for other programs, and that the client of Postgres would use.

/** Variables that break the client: each sets another driver, format, protocol or encoding. */
const UNSUPPORTED_VARIABLE = /^(NODE_PG_FORCE_NATIVE|PGBINARY|PGREPLICATION|PGCLIENT_ENCODING)$/i

/** Variables of libpq. The client uses them for what DATABASE_URL leaves out. */
const LIBPQ_VARIABLE = /^PG/i

/** The names of the variables that a node must delete. With the embedded Postgres that is every `PG…`: its URL is complete. */
export const foreignTo = (env: Readonly<Record<string, unknown>>, isEmbedded: boolean): string[] =>
  Object.keys(env).filter((name) => UNSUPPORTED_VARIABLE.test(name) || (isEmbedded && LIBPQ_VARIABLE.test(name)))
