// Reports: each is written by its verb; then its actor goes on, or its claim is let go.
import type { Report, Stopped } from '../core/messages.ts'
import type { Trust } from '../core/trust.ts'
import { checkpoint } from '../lifecycle/checkpoint.ts'
import { park } from '../lifecycle/park.ts'
import { release } from '../lifecycle/release.ts'
import { retry } from '../lifecycle/retry.ts'
import { fail, settle } from '../lifecycle/settle.ts'
import type { Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'
import type { Meters } from '../telemetry/meters.ts'
import type { Seldom } from '../telemetry/seldom.ts'
import type { Dispatch } from './dispatch.ts'
import type { Lanes } from './lanes.ts'
import type { RunningTask, RunningTasks } from './running.ts'
import type { States } from './states.ts'

export interface ReportDependencies {
  readonly store: Store
  readonly running: RunningTasks
  readonly lanes: Pick<Lanes, 'pressed' | 'waits' | 'over'>
  readonly states: Pick<States, 'gate' | 'answered' | 'ended'>
  readonly trust: Trust
  readonly log: Log
  readonly meters: Meters
  /** Tries that this node could not begin for want of something of its own. */
  readonly lacking: Seldom
  readonly dispatch: Pick<Dispatch, 'orphaned'>
}

const DEFECT_TRIES = 5
const DEFECT_PAUSE = 1_000

/** Writes a report, and tells its actor what came of it. Never throws. */
export async function take(by: ReportDependencies, report: Report | Stopped): Promise<void> {
  const { running, trust, log, meters } = by
  const { service, outcome, ms = 0 } = report
  // Also where nobody wants to know what came of it any more.
  if (service !== undefined && outcome !== undefined) meters.asked(service, outcome, ms)
  if (report.kind === 'stopped') return
  const task = running.get(report.id)
  if (!task || task.token !== report.token) return
  task.spans?.reported(report)
  // The epoch of before the write: what is known from it is not newer than that.
  const { epoch } = trust
  task.writing = true
  if (isLast(report)) running.answered(task)
  hearService(by, task, report)
  const written = await writeOn(by, task, report).catch((error: unknown) => unwritten(by, task, report, error))
  task.writing = false
  if (!running.has(task)) return
  if (written === 'lost') {
    // While this node's lease holds nobody takes a claim over: the task was deleted.
    const lapsed = task.epoch < trust.epoch || !(trust.closed || trust.holds(process.hrtime.bigint()))
    const which = { task: task.id, service: task.service, report: report.kind }
    meters.claimsLost += 1
    log.event(lapsed ? 'claim_lapsed' : 'claim_gone', which)
    task.thread?.tell({ kind: 'stop', id: task.id, token: task.token })
    running.drop(task)
    return
  }
  tellOperator(by, task, report)
  if (report.kind === 'settle') by.states.ended(task.service, report.failure?.detail)
  const attempt = nextAttempt(report)
  if (attempt === undefined) {
    if (report.kind !== 'settle') by.lanes.waits(task.service, ('wait' in report && report.wait) || 0)
    running.drop(task)
    return
  }
  task.attempt = attempt
  task.epoch = Math.max(task.epoch, epoch)
  if (by.lanes.over(task.service)) return giveBack(by, task)
  if (task.thread) {
    const sends = task.spans?.request(nextStep(report), attempt)
    task.thread.tell({ kind: 'go', id: task.id, token: task.token, attempt, epoch, sends })
  }
  // Its thread died while the report was being written.
  else by.dispatch.orphaned([task])
}

/** What an answer says of its service as a whole. */
function hearService({ states }: ReportDependencies, { service, granted }: RunningTask, report: Report): void {
  if (report.kind === 'park' && report.gates)
    states.gate(
      service,
      report.wait,
      report.failure.status === undefined ? report.failure.code : String(report.failure.status),
    )
  else if (granted && isAnswered(report)) states.answered(service)
}

/** Whether the service has answered: a try that met nobody, or never began, says nothing of how the service is. */
const isAnswered = (report: Report): boolean =>
  report.kind === 'checkpoint' ||
  (report.kind !== 'release' && (report.failure === null || report.failure.status !== undefined))

/** Ends an actor between two requests, and gives its task back: whoever has room for its service goes on with it. */
function giveBack(by: ReportDependencies, { id, token, thread }: RunningTask): Promise<void> {
  thread?.tell({ kind: 'stop', id, token })
  return take(by, { id, token, kind: 'release' })
}

/** Writes; a fault of the server that may pass, or of ours, is given some seconds before the claim is left to the sync. */
async function writeOn(by: ReportDependencies, task: RunningTask, report: Report): Promise<Written> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write(by, task, report)
    } catch (error) {
      const passing = error instanceof StoreError && error.trouble === 'bug'
      if (!passing || tries === DEFECT_TRIES || !by.running.has(task)) throw error
      by.log.event('report_delayed', { err: error, task: task.id })
      await new Promise((resolve) => setTimeout(resolve, DEFECT_PAUSE))
    }
  }
}

function write({ store, lanes }: ReportDependencies, task: RunningTask, report: Report): Promise<Written> {
  switch (report.kind) {
    case 'checkpoint':
      return checkpoint({ store }, task, report)
    case 'retry':
      return retry({ store }, task, report)
    case 'park':
      return park({ store }, task, report)
    case 'settle':
      return settle({ store }, task, report, lanes.pressed(task.service))
    case 'release':
      return release({ store }, task)
  }
}

/** Whether no request follows at once. */
const isLast = (report: Report): boolean => nextAttempt(report) === undefined

/** The number of the request that may follow; undefined when the report was the actor's last. */
function nextAttempt(report: Report): number | undefined {
  if (report.kind === 'checkpoint' && report.wait === null) return 1
  return report.kind === 'retry' ? report.attempt + 1 : undefined
}

/** The step of that request. */
const nextStep = (report: Report): number =>
  report.kind === 'checkpoint' ? report.step + 1 : report.kind === 'retry' ? report.step : 0

/** Postgres refuses the very values, which the checks at the door should have made impossible: the task fails, and says why. */
async function unwritten(by: ReportDependencies, task: RunningTask, report: Report, error: unknown): Promise<Written> {
  by.log.event('report_failed', { err: error, task: task.id, service: task.service, report: report.kind })
  const refused = error instanceof StoreError && error.trouble === 'rejected'
  if (!refused) return 'lost'
  const failure = { code: 'bad_body', detail: 'Postgres could not store the answer of the service.' } as const
  await fail(by, task, failure).catch((cause: unknown) => by.log.event('end_failed', { err: cause, task: task.id }))
  return 'lost'
}

function tellOperator(
  { log, lacking }: ReportDependencies,
  { id, service, action }: RunningTask,
  report: Report,
): void {
  if (report.kind === 'settle' && report.status === 'failed') {
    const { step, attempt, failure } = report
    const [why, status] = [failure?.code, failure?.status]
    log.event('task_failed', { task: id, service, action, step, attempt, why, status })
  } else if (report.kind === 'park' && report.uncounted && !report.gates) {
    const tries = lacking.happened(performance.now())
    if (tries !== undefined) log.event('requests_delayed', { service, why: report.failure.detail, tries })
  } else if (report.kind === 'park') {
    const { step, attempt, failure, wait } = report
    const why = failure.detail
    log.event('task_waits', { task: id, service, action, step, attempt, why, wait: Math.round(wait) })
  } else if (report.kind === 'retry' && log.hears('request_repeated')) {
    const { step, attempt, failure } = report
    log.event('request_repeated', { task: id, service, action, step, attempt, why: failure.detail })
  }
}
