// Requests that Node cannot parse, or that take too long. Koa never sees these requests: they are answered on the bare connection.
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Refusal, REFUSALS, type RefusalCode } from '../core/refusal.ts'
import type { OpenRequests } from './open-requests.ts'
import { COMMON_HEADERS, PROBLEM_TYPE, problemText } from './problem.ts'

/** The refusal for each code of Node's errors. Any other error is a `bad_request`. */
const REFUSED: Readonly<Record<string, RefusalCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too_slow',
}

/** How long a refused caller may take to read the refusal and to close the connection, ms. */
const REFUSED_CLOSE_TIMEOUT_MS = 500

/**
 * Makes the listener for `clientError`. Answers to earlier requests on the connection are sent first. Otherwise a caller who
 * pipelines would take the refusal for the answer to one of the earlier requests.
 */
export function makeClientErrorListener(
  openRequests: OpenRequests,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const refused = new WeakSet<Duplex>()
  return (error, socket) => {
    // Further bytes of a refused caller are dropped. Closing with unread bytes would reset the connection and lose the answer.
    if (refused.has(socket) && error.code !== 'ECONNRESET') return
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
    } else {
      refused.add(socket)
      void refuse(openRequests, socket, REFUSED[error.code ?? ''] ?? 'bad_request')
    }
  }
}

async function refuse(openRequests: OpenRequests, socket: Duplex, code: RefusalCode): Promise<void> {
  const unanswered = openRequests.unansweredOn(socket)
  const earlier = unanswered.filter(({ req }) => req.complete)
  const broken = unanswered.find(({ req }) => !req.complete)
  await Promise.all(earlier.map((answer) => new Promise((resolve) => answer.once('close', resolve))))
  if (!socket.writable || openRequests.answeredEarly(socket) || broken?.headersSent === true) {
    socket.destroy()
    return
  }
  const cut = setTimeout(() => socket.destroy(), REFUSED_CLOSE_TIMEOUT_MS)
  socket.once('close', () => clearTimeout(cut))
  socket.end(answerText(code))
}

function answerText(code: RefusalCode): string {
  const { status, meaning } = REFUSALS[code]
  const body = problemText(new Refusal(code, meaning))
  const headers = {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
    ...COMMON_HEADERS,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}
