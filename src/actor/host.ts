// Runs the actors of one thread: starts one actor for each task, passes commands to the actors, and sends their reports up.
import { isDeepStrictEqual } from 'node:util'
import type { MessagePort } from 'node:worker_threads'
import { type Admission, admissionIn } from '../core/admission.ts'
import { outcomeNumber } from '../core/attempts.ts'
import type { Command, Report, ThreadStart, Upward } from '../core/messages.ts'
import { newTrace } from '../core/trace.ts'
import { Trust } from '../core/trust.ts'
import { Mailbox } from './mailbox.ts'
import { run } from './run.ts'
import { type InFlightRequest, type Request, type ServiceClient, openServiceClient, send } from './send.ts'

/** An actor of this thread. */
interface Actor {
  readonly token: number
  readonly mailbox: Mailbox
  /** The trace that its next request sends; undefined: one of its own. */
  sends: string | undefined
}

/** Runs the actors of this thread. Never resolves; rejects with an unexpected error, and then the thread must end. */
export function host({ port, trust: buffer, version }: ThreadStart): Promise<never> {
  const trust = new Trust(buffer)
  const clients = new Map<string, ServiceClient>()
  let admissions: ReadonlyMap<string, () => Admission> = new Map()
  const actors = new Map<string, Actor>()
  const up = outbox(port)
  let draining = false

  return new Promise((_resolve, reject) => {
    const start = ({ task, sends }: Extract<Command, { kind: 'run' }>): void => {
      // A task has one actor: the actor of the older claim is stopped before the new actor's first request.
      actors.get(task.id)?.mailbox.stop()
      const admission = (): Admission => admissions.get(task.service)?.() ?? 'none'
      const mailbox = new Mailbox(trust, task.epoch, () => process.hrtime.bigint(), admission, task.granted)
      if (draining) mailbox.drain()
      const actor: Actor = { token: task.token, mailbox, sends }
      const { id, token, service } = task
      actors.set(task.id, actor)
      const over = (): void => {
        if (actors.get(task.id) === actor) actors.delete(task.id)
        // It was stopped, and nothing else tells of its last request.
        if (asked) up({ kind: 'stopped', id, token, ...asked })
      }
      /** What the next report says of the request before it. */
      let asked: { service: string; outcome: number; ms: number } | undefined
      const sendOn = (client: ServiceClient, request: Request): InFlightRequest => {
        const sent = performance.now()
        let begun = false
        const mayBegin = (): boolean => (begun = mailbox.mayBegin())
        const flight = send(client, request, mayBegin, actor.sends ?? newTrace(task.trace, task.key, Math.random))
        void flight.reply.then((reply) => {
          if (reply === 'not_begun' || (reply === 'stopped' && !begun)) return
          asked = { service, outcome: outcomeNumber(reply), ms: performance.now() - sent }
        })
        return flight
      }
      run(
        {
          target: () => {
            const client = clients.get(task.service)
            return client && { service: client.service, send: (request) => sendOn(client, request) }
          },
          mailbox,
          report: (report: Report) => {
            if (mailbox.stopped) return
            up(Object.assign(report, asked))
            asked = undefined
          },
          now: () => performance.now(),
          random: Math.random,
        },
        task,
      ).then(over, (error: unknown) => {
        over()
        reject(error)
      })
    }
    const addressee = (claim: { id: string; token: number }): Actor | undefined => {
      const actor = actors.get(claim.id)
      return actor?.token === claim.token ? actor : undefined
    }
    const go = (command: Extract<Command, { kind: 'go' }>): void => {
      const actor = addressee(command)
      if (!actor) return
      actor.sends = command.sends
      actor.mailbox.go(command.attempt, command.epoch)
    }
    const serve = ({ services, memory }: Extract<Command, { kind: 'services' }>): void => {
      admissions = new Map([...memory].map(([service, buffer]) => [service, admissionIn(buffer)] as const))
      for (const [name, { service, pool }] of clients) {
        if (isDeepStrictEqual(service, services.get(name))) continue
        clients.delete(name)
        // Requests that are open on it end first.
        void pool.close()
      }
      for (const service of services.values())
        if (!clients.has(service.name)) clients.set(service.name, openServiceClient(service, version))
    }
    const obey = (command: Command): void => {
      switch (command.kind) {
        case 'run':
          return start(command)
        case 'go':
          return go(command)
        case 'confirm':
          return addressee(command)?.mailbox.confirm(command.epoch)
        case 'stop':
          return addressee(command)?.mailbox.stop()
        case 'drain':
          draining = true
          for (const { mailbox } of actors.values()) mailbox.drain()
          return
        case 'services':
          return serve(command)
        case 'ping':
          return up({ kind: 'pong' })
      }
    }
    port.on('message', (commands: Command[]) => {
      try {
        for (const command of commands) obey(command)
      } catch (error) {
        reject(error)
      }
    })
    up({ kind: 'ready' })
  })
}

/** Collects messages and posts them once a tick, because a post costs far more than one more message in it. */
function outbox(port: MessagePort): (upward: Upward) => void {
  let waiting: Upward[] = []
  return (upward) => {
    if (waiting.push(upward) > 1) return
    setImmediate(() => {
      const batch = waiting
      waiting = []
      port.postMessage(batch)
    })
  }
}
