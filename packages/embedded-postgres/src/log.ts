// What the launcher tells its owner.

/** The events, each with its fields. */
export interface Events {
  /** The libraries of Postgres cannot be linked in place; a copy is made elsewhere. */
  readonly libraries_not_linked: { readonly err: unknown }
  /** Postgres is copied to where its account can reach it. */
  readonly embedded_copied: { readonly folder: string }
  /** A half-made database cannot be removed yet. */
  readonly draft_not_removed: { readonly err: unknown; readonly folder: string }
  /** The server of a killed owner is taken over. */
  readonly embedded_taken_over: { readonly pid: number }
  /** The server does not stop; the next signal is stronger. */
  readonly embedded_stop_slow: { readonly pid: number; readonly signal: string }
  /** The server ended by itself and is started again. */
  readonly embedded_ended: { readonly how: string }
  readonly embedded_back: { readonly pid: number }
  /** The server cannot be started again yet; the next try comes after `again` ms. */
  readonly embedded_start_failed: { readonly err: unknown; readonly again: number }
}

/** Hears the events. Must not throw. */
export interface Log {
  event<Name extends keyof Events>(name: Name, fields: Events[Name]): void
}

/** A log that drops every event. */
export const SILENT: Log = { event() {} }
