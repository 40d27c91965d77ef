// Requests that Node cannot parse, or that take too long: they never reach Koa, and are answered on the bare connection.
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Refusal, REFUSALS, type RefusalCode } from '../core/refusal.ts'
import type { Ledger } from './ledger.ts'
import { COMMON_HEADERS, PROBLEM_TYPE, problemText } from './problem.ts'

/** By the code of Node's error; any other is a `bad_request`. */
const REFUSED: Readonly<Record<string, RefusalCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too_slow',
}

/** How long a refused caller may take to read and to close. Milliseconds. */
const LINGER = 500

/**
 * Makes the listener for `clientError`. Answers that the connection still owes to earlier requests go first: else a caller
 * who pipelines would take the refusal for the answer to one of those.
 */
export function makeRefuser(ledger: Ledger): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const refused = new WeakSet<Duplex>()
  return (error, socket) => {
    // What a refused caller still sends is dropped: closing on unread bytes resets the connection, and the answer is lost.
    if (refused.has(socket) && error.code !== 'ECONNRESET') return
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
    } else {
      refused.add(socket)
      void refuse(ledger, socket, REFUSED[error.code ?? ''] ?? 'bad_request')
    }
  }
}

async function refuse(ledger: Ledger, socket: Duplex, code: RefusalCode): Promise<void> {
  const owed = ledger.owedOn(socket)
  const earlier = owed.filter(({ req }) => req.complete)
  const broken = owed.find(({ req }) => !req.complete)
  await Promise.all(earlier.map((answer) => new Promise((resolve) => answer.once('close', resolve))))
  if (!socket.writable || ledger.answeredEarly(socket) || broken?.headersSent === true) {
    socket.destroy()
    return
  }
  const cut = setTimeout(() => socket.destroy(), LINGER)
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
