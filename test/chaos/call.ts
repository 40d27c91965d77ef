// One call of the API: its answer, or that nobody took it, or that nobody knows what became of it.
import { once } from 'node:events'
import { type Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Ledger } from './ledger.ts'

/** What one call came to: an answer, nothing sent (`refused`), or nobody knows. */
export type Outcome =
  | { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string }
  | 'refused'
  | 'broken'

/** The longest that a caller waits for an answer: more than the contract's longest wait. */
const ANSWER = 30_000

/** Makes a call; what broke it is written down. */
export async function call(
  { agent, ledger }: { readonly agent: Agent; readonly ledger: Ledger },
  method: string,
  url: string,
  json?: string,
): Promise<Outcome> {
  const headers = json === undefined ? {} : { 'content-type': 'application/json' }
  const begun = performance.now()
  const outgoing = request(url, { method, agent, headers, signal: AbortSignal.timeout(ANSWER) })
  try {
    outgoing.end(json)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') {
      ledger.closed += 1
      return 'refused'
    }
    if (performance.now() - begun > ANSWER - 100) ledger.complain(`${method} ${url} was not answered`)
    const how = `${(error as NodeJS.ErrnoException).code} ${String(error)}, ${outgoing.reusedSocket ? 'kept' : 'new'} connection`
    ledger.broken.push(`${method} ${url} at ${Date.now()} after ${Math.round(performance.now() - begun)} ms: ${how}`)
    return 'broken'
  }
}
