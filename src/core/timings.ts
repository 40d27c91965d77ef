// The protocol's times. They are arguments of the parts, so that tests can shorten them; users cannot set them.

/** All in milliseconds; docs/protocol.md says what each is for. */
export interface Timings {
  /** How long a node may go without a good beat before others take its tasks over. */
  readonly lease: number
  /** Between two beats. */
  readonly beat: number
  /** How long after the start of its last good beat a node still begins requests. Shorter than the lease. */
  readonly trust: number
  /** Between two full passes. */
  readonly pass: number
  /** How long a node must have held its own lease before it takes over from others. */
  readonly takeoverDelay: number
  /** How long a full pass leaves a row that was never claimed to the ids in the lists, while Redis is healthy. */
  readonly grace: number
  /** How long no live node must have known a service before its tasks fail. */
  readonly forgotten: number
  /** How long a thread may be silent before it is ended. */
  readonly silence: number
  /** How long a suspect in the quarantine thread keeps others from beginning there. */
  readonly quarantine: number
  /** How long a node that stops still serves its API when it has drained, so that callers learn that it goes. */
  readonly linger: number
}

export const TIMINGS: Timings = {
  lease: 10_000,
  beat: 2_000,
  trust: 8_000,
  pass: 1_000,
  takeoverDelay: 10_000,
  grace: 250,
  forgotten: 60_000,
  silence: 5_000,
  quarantine: 30_000,
  linger: 250,
}

/** A wait of this length or more gives the slot back (the task is parked); a shorter one stays in the actor. */
export const PARK_FROM = 1_000
