// Admission: which requests of a service may begin, shared by the supervisor with every thread.

/** All; only those that Postgres has granted, one by one; or none. */
const ADMISSIONS = ['all', 'granted', 'none'] as const
export type Admission = (typeof ADMISSIONS)[number]

/** The memory of one service. */
export const admissionBuffer = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)

/** Tells every thread at once. */
export function admit(buffer: SharedArrayBuffer, admission: Admission): void {
  Atomics.store(new Int32Array(buffer), 0, ADMISSIONS.indexOf(admission))
}

/** Reads what may begin now. */
export function admissionIn(buffer: SharedArrayBuffer): () => Admission {
  const cell = new Int32Array(buffer)
  return () => ADMISSIONS[Atomics.load(cell, 0)] ?? 'none'
}

/** What holds for a service on all nodes, as a node last heard. */
export interface Standing {
  readonly paused: boolean
  /** Milliseconds until its gate opens; 0 or less: one request goes alone. Null: no gate. */
  readonly gatedFor: number | null
  readonly limited: boolean
}

/** Which requests may begin. Behind a gate that one goes alone which Postgres grants. */
export const admissionOf = ({ paused, gatedFor, limited }: Standing): Admission =>
  paused || (gatedFor !== null && gatedFor > 0) ? 'none' : limited || gatedFor !== null ? 'granted' : 'all'
