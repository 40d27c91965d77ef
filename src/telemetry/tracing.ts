// Spans of tasks, by the API of OpenTelemetry: made only where a program that starts this node has registered an SDK.
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Tracer,
  createTraceState,
} from '@opentelemetry/api'
import { outcomeWord } from '../core/attempts.ts'
import type { Report } from '../core/messages.ts'
import { traceOfTask } from '../core/trace.ts'

/** A task as its spans name it. */
interface Traced {
  readonly id: string
  readonly key: string
  readonly service: string
  readonly action: string
  readonly trace?: string | null
}

/** The spans of one claim. */
export interface ClaimSpans {
  /** A request is about to be sent: what its headers say of its span. */
  request(step: number, attempt: number): string
  /** The request was answered, and this was reported of it. */
  reported(report: Report): void
  /** The claim has ended. */
  end(): void
}

export interface Tracing {
  /** A task was created by a POST that began at this time, ms since 1970. */
  submitted(task: Traced, begun: number): void
  /** A task was claimed, and begins. */
  claim(task: Traced): ClaimSpans
}

/** Undefined where no SDK is registered: then spans cost nothing. */
export function openTracing(version: string): Tracing | undefined {
  const tracer = trace.getTracer('task_api', version)
  // Without an SDK no span has an id.
  if (!isSpanContextValid(tracer.startSpan('start').spanContext())) return undefined
  return {
    submitted: (task, begun) =>
      tracer
        .startSpan(
          'submit',
          { kind: SpanKind.PRODUCER, startTime: begun, attributes: attributesOf(task) },
          contextOf(task),
        )
        .end(),
    claim: (task) => claimSpans(tracer, task),
  }
}

const attributesOf = ({ id, service, action }: Traced): Record<string, string> => ({
  'task_api.task': id,
  'task_api.service': service,
  'task_api.action': action,
})

/** The context that the trace of a task names: whoever submitted it is the parent. */
function contextOf(task: Traced): Context {
  const [parent = '', state] = traceOfTask(task.trace, task.key).split(/ (.*)/s)
  const [, traceId = '', spanId = '', flags = ''] = parent.split('-')
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  })
}

/** A span as a trace that requests send. */
function sentBy(span: Span): string {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const state = traceState?.serialize() ?? ''
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}${state === '' ? '' : ` ${state}`}`
}

function claimSpans(tracer: Tracer, task: Traced): ClaimSpans {
  const attributes = attributesOf(task)
  const whole = tracer.startSpan('run', { kind: SpanKind.CONSUMER, attributes }, contextOf(task))
  const within = trace.setSpan(ROOT_CONTEXT, whole)
  /** One that is never sent is never ended, and so no span. */
  let request: Span | undefined
  return {
    request: (step, attempt) => {
      const asked = { ...attributes, 'task_api.step': step, 'task_api.attempt': attempt }
      request = tracer.startSpan('request', { kind: SpanKind.CLIENT, attributes: asked }, within)
      return sentBy(request)
    },
    reported: (report) => {
      const { outcome, ms = 0 } = report
      if (request && outcome !== undefined) {
        const now = Date.now()
        // It began when the actor was told to go on; what is sent may have waited in the thread.
        request.addEvent('sent', now - ms)
        request.setAttribute('task_api.outcome', outcomeWord(outcome))
        if (outcome !== 200 && outcome !== 206) request.setStatus({ code: SpanStatusCode.ERROR })
        request.end(now)
      }
      request = undefined
      whole.setAttribute('task_api.end', report.kind === 'settle' ? report.status : report.kind)
      if (report.kind === 'settle' && report.failure)
        whole.setStatus({ code: SpanStatusCode.ERROR, message: report.failure.detail })
    },
    end: () => whole.end(),
  }
}
