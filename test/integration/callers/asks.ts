// Requests of a caller, as tests of what callers need make them.

export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined where it is none. */
  // oxlint-disable-next-line no-explicit-any
  readonly json: any
  readonly location: string
}

/** Sends a request; `body` is a value, or JSON text as it is. */
export async function ask(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(text !== undefined && { body: text }),
  })
  const answer = await response.text()
  let json: unknown
  try {
    json = JSON.parse(answer)
  } catch {
    json = undefined
  }
  return {
    status: response.status,
    headers: response.headers,
    text: answer,
    json,
    location: response.headers.get('location') ?? '',
  }
}
