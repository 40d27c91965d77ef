// What a run is set up with.
import type { Pairing } from './pair.ts'
import type { Mix } from './plan.ts'

export interface Setup {
  readonly seed: number
  /** How many times faster than in life lease, beat, trust and pass are: 1 or 5. */
  readonly scale: number
  /** Default 3. */
  readonly nodes?: number
  /** What was compiled of the release that nodes begin with; default: this one. */
  readonly dist?: URL
  /** `false`: the nodes are told of a Redis that is not there. */
  readonly redis?: boolean
  /** Postgres has a standby: nodes know both `hosts`, or one `address` that moves. */
  readonly pair?: Pairing
  readonly mix?: Mix
  /** Whether callers go only to nodes whose `/readyz` says 200, as behind a load balancer that looks at it. */
  readonly balanced?: boolean
  /** Whether tasks that kill their thread are among the run's. */
  readonly poisons?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** What task_api.yaml says of the service `svc` beyond the rig's own. */
  readonly service?: Readonly<Record<string, unknown>>
  /** More services, given the port at which a node reaches the referee. */
  readonly services?: (port: number, name: string) => Readonly<Record<string, unknown>>
}
