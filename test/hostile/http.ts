// Requests as bytes, and answers read back from bytes: a client that takes nothing for granted.

/** An answer of the API, as it came. */
export interface Answer {
  readonly status: number
  /** By name in lower case; of two of one name the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** An answer, and how many bytes it took. */
export interface Parsed {
  readonly answer: Answer
  readonly length: number
}

const END_OF_HEAD = '\r\n\r\n'
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]+$/
const HEADER = /^([!#-'*+.^_`|~\w-]+):[ \t]*(.*)$/

/** Bytes of text, one for each character: what is no Unicode stays what it is. */
export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A request with a body, of its length. */
export const request = (line: string, headers: readonly string[] = [], body: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([
    Buffer.from([`${line} HTTP/1.1`, 'Host: x', ...headers, `Content-Length: ${body.length}`, '', ''].join('\r\n')),
    body,
  ])

/** A request without a body. The target is sent as its UTF-8 bytes. */
export const plain = (method: string, target: string, headers: readonly string[] = []): Buffer =>
  Buffer.from([`${method} ${target} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n'))

/** POST /tasks with any bytes as its body. */
export const post = (body: Buffer, headers: readonly string[] = []): Buffer =>
  request('POST /tasks', ['Content-Type: application/json', ...headers], body)

/** A task around the bytes of a payload. */
export const taskBody = (action: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{"service":"svc","action":"${action}","payload":`), payload, Buffer.from('}')])

/** The first answer in bytes, if it is there to its end; throws when it is no answer. `bodiless`: to a HEAD. */
export function parseAnswer(received: Buffer, bodiless = false): Parsed | undefined {
  const head = received.indexOf(END_OF_HEAD)
  if (head < 0) return undefined
  const [first = '', ...lines] = received.toString('latin1', 0, head).split('\r\n')
  const status = Number(STATUS_LINE.exec(first)?.[1] ?? 0)
  if (status === 0) throw new Error(`no status line: ${first.slice(0, 200)}`)
  const headers = new Map(
    lines.map((line) => {
      const [, name, value] = HEADER.exec(line) ?? []
      if (name === undefined || value === undefined) throw new Error(`no header: ${line.slice(0, 200)}`)
      return [name.toLowerCase(), value]
    }),
  )
  const start = head + END_OF_HEAD.length
  const length = headers.get('content-length') ?? (status < 200 || status === 204 ? '0' : undefined)
  if (length === undefined) throw new Error(`an answer ${status} without a length`)
  const end = bodiless ? start : start + Number(length)
  if (received.length < end) return undefined
  return { answer: { status, headers, body: received.subarray(start, end) }, length: end }
}

/** All whole answers in bytes, those before the last word (1xx) left out. */
export function parseAnswers(received: Buffer): Answer[] {
  const answers: Answer[] = []
  let rest = received
  for (;;) {
    const parsed = parseAnswer(rest)
    if (!parsed) return answers
    if (parsed.answer.status >= 200) answers.push(parsed.answer)
    rest = rest.subarray(parsed.length)
  }
}

/** The start of a request as a string literal, to be pasted into a test. */
export const shown = (sent: Buffer): string => JSON.stringify(sent.toString('latin1', 0, 2_000))
