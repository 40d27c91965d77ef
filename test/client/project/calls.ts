// A caller with a generated client: the types come from docs/openapi.json.
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type Status = components['schemas']['Task']['status']

const representation = { Prefer: 'return=representation' }
const idOf = (location: string): string => location.replace('/tasks/', '')

/** Submits, waits, follows a redirect, cancels, lists, and is refused; tells what it saw. */
export async function drive(url: string): Promise<object> {
  // The document says that the items of a list stand in one parameter; openapi-fetch has to be told.
  const querySerializer = { array: { style: 'form', explode: false } } as const
  const client = createClient<paths>({ baseUrl: url, querySerializer })
  const submitted = await client.POST('/tasks', {
    params: { header: representation, query: { wait: '30s' } },
    body: { service: 'demo', action: 'count', payload: { to: 3 }, labels: { of: 'client' } },
  })
  const task = submitted.data
  if (task === undefined) throw new Error(JSON.stringify(submitted.error))
  const ended: Status = task.status

  // A client that follows the 302 reads the task.
  const followed = await client.POST('/tasks', { body: { service: 'demo', action: 'echo', delay: '1h' } })

  const batch = await client.POST('/tasks/batch', {
    body: [
      { service: 'demo', action: 'echo' },
      { service: 'demo', action: 'echo', delay: '1h', labels: { of: 'batch' } },
    ],
  })
  const [, later] = batch.data ?? []
  const id = idOf(later?.location ?? '')
  const cancelled = await client.POST('/tasks/{id}/cancel', { params: { path: { id } } })
  const full = await client.GET('/tasks/{id}', { params: { path: { id }, query: { view: 'full' } } })
  const list = await client.GET('/tasks', { params: { query: { status: ['failed', 'complete'], limit: 10 } } })
  const refused = await client.POST('/tasks', { body: { service: 'nobody', action: 'x' } })
  // @ts-expect-error: a task must have an action
  const invalid = await client.POST('/tasks', { body: { service: 'demo' } })

  return {
    ended,
    result: task.result,
    followed: followed.data?.status,
    batch: batch.data?.length,
    cancelled: cancelled.data?.error?.code,
    labels: full.data && 'labels' in full.data ? full.data.labels : undefined,
    listed: list.data?.some(({ location }) => location === later?.location),
    refused: refused.error?.code,
    invalid: invalid.error?.errors,
  }
}
