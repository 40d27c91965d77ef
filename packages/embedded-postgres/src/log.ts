// What the launcher tells its owner.

/** Hears the events, each with its fields. Must not throw. */
export interface Log {
  /** The libraries of Postgres cannot be linked in place; a copy is made elsewhere. */
  event(name: 'libraries_not_linked', fields: { err: unknown }): void
  /** Postgres is copied to where its account can reach it. */
  event(name: 'embedded_copied', fields: { folder: string }): void
  /** A half-made database cannot be removed yet. */
  event(name: 'draft_not_removed', fields: { err: unknown; folder: string }): void
  /** The server of a killed owner is taken over. */
  event(name: 'embedded_taken_over', fields: { pid: number }): void
  /** The server does not stop; the next signal is stronger. */
  event(name: 'embedded_stop_slow', fields: { pid: number; signal: string }): void
  /** The server ended by itself and is started again. */
  event(name: 'embedded_ended', fields: { how: string }): void
  event(name: 'embedded_back', fields: { pid: number }): void
  /** The server cannot be started again yet; the next try comes after `again` ms. */
  event(name: 'embedded_start_failed', fields: { err: unknown; again: number }): void
}

/** A log that drops every event. */
export const SILENT: Log = { event() {} }
