// The filters of tasks that a query asks for, within what its caller may see.
import { boundsOf, type Caller, isFor } from '../core/key.ts'
import { LIST_LIMIT } from '../core/limits.ts'
import type { Status } from '../core/task.ts'
import { timeOf } from '../core/time.ts'
import { type Filters, type ListQuery, viewOf } from '../core/view.ts'
import { refuseFaults } from './faults.ts'
import { LABEL, type ParameterName, type Parameters } from './parameters.ts'

/** The filters of these parameters. */
export function filtersOf(parameters: Parameters): Filters {
  const given = (name: ParameterName): string | undefined => parameters.get(name)
  const labels = [...parameters]
    .filter(([key]) => LABEL.test(key))
    .map(([key, value]) => [key.slice('label.'.length), value])
  const texts = ['service', 'action', 'error', 'kind', 'schedule'] as const
  const times = ['createdAfter', 'createdBefore'] as const
  const retried = given('retried')
  return {
    ...Object.fromEntries(texts.flatMap((name) => (parameters.has(name) ? [[name, parameters.get(name)]] : []))),
    ...Object.fromEntries(
      times.flatMap((name) =>
        parameters.has(name) ? [[name, new Date(timeOf(given(name) ?? '') ?? 0).toISOString()]] : [],
      ),
    ),
    ...(parameters.has('ids') && { ids: [...new Set(given('ids')?.split(','))] }),
    ...(parameters.has('status') && { status: (given('status')?.split(',') ?? []) as Status[] }),
    ...(retried !== undefined && { retried: retried === 'true' }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) as Record<string, string> }),
  }
}

/** The list query of these parameters. With ids it shows all of them. */
export function listQueryOf(parameters: Parameters): ListQuery {
  const filters = filtersOf(parameters)
  const limit = parameters.get('limit') ?? filters.ids?.length ?? LIST_LIMIT.default
  const before = parameters.get('before')
  const view = viewOf(parameters.get('view'))
  return {
    ...filters,
    limit: Number(limit),
    ...(before !== undefined && { before }),
    ...(view !== undefined && { view }),
  }
}

/** The same filters within the bounds of a caller. Throws a Refusal `not_allowed` for a service that is not the caller's. */
export function withinBounds<Given extends Filters>(caller: Caller, filters: Given): Given {
  const { service } = filters
  if (service !== undefined && !isFor(caller, service))
    throw refuseFaults('not_allowed', [{ parameter: 'service', detail: 'The key is not for this service.' }])
  const { services, ...own } = boundsOf(caller) ?? {}
  if (services === undefined || service !== undefined) return { ...filters, ...own }
  // One service has an index.
  const [only, ...others] = services
  return { ...filters, ...own, ...(only !== undefined && others.length === 0 ? { service: only } : { services }) }
}
