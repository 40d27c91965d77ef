// The OpenAPI document: the table of routes, and what is said of each.
import type { Document, Examples, Member, OperationObject, ParameterObject, ResponseObject } from '../api/document.ts'
import { PARAMETERS, type ParameterName } from '../api/parameters.ts'
import { PROBLEM_TYPE } from '../api/problem.ts'
import { type Route, ROUTES } from '../api/routes.ts'
import type { Schema } from '../core/json-schema.ts'
import { type RefusalCode, REFUSALS } from '../core/refusal.ts'
import { ID } from '../core/task.ts'
import { CHANGES } from './changes.ts'
import { ANSWER_HEADERS, REQUEST_HEADERS } from './headers.ts'
import { NODE } from './node.ts'
import { type Answer, type Example, type Operation, type Operations, TAGS } from './operation.ts'
import { SCHEDULES } from './schedules.ts'
import { type SchemaName, SCHEMAS } from './schemas.ts'
import { SERVICES } from './services.ts'
import { TASKS } from './tasks.ts'
import { refTo } from './words.ts'

const OPERATIONS: Operations = { ...TASKS, ...CHANGES, ...SCHEDULES, ...SERVICES, ...NODE }

const ABOUT = [
  'task_api runs background tasks for other services: a caller posts a task, and task_api calls the service until the task is done.',
  'Every refusal is a problem document (RFC 9457) with a `code` that never changes its meaning.',
  'Each path answers HEAD where it answers GET, and OPTIONS; other methods are refused with 405 `method_not_allowed` and `Allow`.',
  'Later releases may add members to answers. `Location` and `Link` are paths without a host.',
].join(' ')

/** Who may do what, where the services file has keys. An empty requirement says that a node without keys asks for none. */
const SECURITY = {
  schemes: {
    bearer: { type: 'http', scheme: 'bearer', description: 'A key: `Bearer tk_…`. A node without keys asks for none.' },
  },
  of: ({ needs }: Route): readonly object[] => (needs === 'open' ? [] : [{ bearer: [needs] }, {}]),
}
/** The refusals of every request that needs a key. */
const OF_KEYS = ['unauthorized', 'not_allowed'] as const satisfies readonly RefusalCode[]

/** The refusals of every request. */
const ALWAYS = ['bad_request', 'too_slow', 'headers_too_large', 'internal'] as const satisfies readonly RefusalCode[]
const WITH_BODY = ['malformed_json', 'too_deep', 'body_too_large', 'not_json'] as const satisfies readonly RefusalCode[]

/** The paths of the files that a page loads. They are no part of the API. */
const isOfAPage = ({ path }: Route): boolean => /^\/(?:docs|ui)\//.test(path)

/** Prints the document. Throws where a route is not described, or a description has no route. */
export function printOpenApi(version: string): Document {
  const routes = new Map(ROUTES.filter((route) => !isOfAPage(route)).map((one) => [`${one.method} ${one.path}`, one]))
  const missing = [...routes.keys()].filter((name) => !Object.hasOwn(OPERATIONS, name))
  if (missing.length > 0) throw new Error(`src/openapi does not describe ${missing.join(', ')}`)
  const paths: Record<string, Record<string, OperationObject>> = {}
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const route = routes.get(name)
    if (route === undefined) throw new Error(`there is no route ${name}`)
    const path = (paths[route.path.replaceAll(/:(\w+)/g, '{$1}')] ??= {})
    path[route.method.toLowerCase()] = operationOf(route, operation)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'task_api', version, description: ABOUT, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '.', description: 'The node that serves this document.' }],
    security: [],
    tags: Object.entries(TAGS).map(([tag, description]) => ({ name: tag, description })),
    paths,
    components: {
      schemas: SCHEMAS,
      parameters: { ...queries, ...headers },
      headers: ANSWER_HEADERS,
      responses: Object.fromEntries(codes.map((code) => [code, refusalOf([code])])),
      securitySchemes: SECURITY.schemes,
    },
  }
}

const codes = Object.keys(REFUSALS) as RefusalCode[]

const queries = Object.fromEntries(
  Object.entries(PARAMETERS).map(([name, { meaning, expected, schema }]): Member<ParameterObject> => {
    // Labels are parameters with names of their own; the items of a list stand in one.
    const style = name === 'label' ? { style: 'form', explode: true } : { explode: false }
    const described = `${meaning} Must be ${expected}.`
    return [
      name,
      { name, in: 'query', description: described, ...('items' in schema || name === 'label' ? style : {}), schema },
    ]
  }),
)
const headers = Object.fromEntries(
  Object.entries(REQUEST_HEADERS).map(([name, row]): Member<ParameterObject> => [name, { name, in: 'header', ...row }]),
)

const PATHS: Readonly<Record<string, ParameterObject>> = {
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of a task.',
    schema: { type: 'string', pattern: ID.source },
  },
  name: {
    name: 'name',
    in: 'path',
    required: true,
    description: 'The name of the schedule or service.',
    schema: { type: 'string', pattern: '^(?!\\.\\.?$)[A-Za-z0-9._-]{1,100}$' },
  },
}

function operationOf(route: Route, operation: Operation): OperationObject {
  const { id, tag, summary, description, body, answers, examples } = operation
  const named = Object.entries(examples)
  const bodies = named.filter(([, example]) => example.body !== undefined)
  const requestBody = body && {
    required: route.optional !== true,
    content: { 'application/json': { schema: refTo(body), ...examplesOf(bodies, ({ body: value }) => value) } },
  }
  const security = SECURITY.of(route)
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    ...(security.length > 0 && { security }),
    parameters: parametersOf(route, operation),
    ...(requestBody && { requestBody }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerOf(answer, examplesOn(operation, status))]),
      ),
      ...refusalsOf(route, operation),
    },
  }
}

const examplesOn = ({ examples }: Operation, status: string): [string, Example][] =>
  Object.entries(examples).filter(([, example]) => String(example.status) === status)

/** The `examples` of one place; nothing where no example says anything of it. */
function examplesOf(named: readonly [string, Example][], of: (example: Example) => unknown): Examples {
  const said = named.flatMap(([name, example]) => {
    const value = of(example)
    return value === undefined ? [] : [[name, { summary: example.summary, value }]]
  })
  return said.length > 0 ? { examples: Object.fromEntries(said) as NonNullable<Examples['examples']> } : {}
}

function parametersOf(
  { path, parameters = [] }: Route,
  { headers: asked = [], examples }: Operation,
): (ParameterObject | Schema)[] {
  const named = Object.entries(examples)
  const shown = (
    parameter: ParameterObject | undefined,
    of: (example: Example) => unknown,
  ): ParameterObject | Schema => {
    if (parameter === undefined) throw new Error(`a parameter of ${path} is not described`)
    const said = examplesOf(named, of)
    if (said.examples === undefined && parameter.in !== 'path')
      return { $ref: `#/components/parameters/${parameter.name}` }
    return { ...parameter, ...said }
  }
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => shown(PATHS[name], (example) => example.path))
  const inQuery = parameters.map((name) => shown(queries[name], ({ query = {} }) => valueOf(name, query)))
  return [...inPath, ...inQuery, ...asked.map((name) => shown(headers[name], (example) => example.headers?.[name]))]
}

/** The value of a parameter in the query of an example, in the type of its schema. */
function valueOf(name: ParameterName, query: Readonly<Record<string, string>>): unknown {
  const labels = Object.entries(query).filter(([key]) => key.startsWith('label.'))
  if (name === 'label') return labels.length > 0 ? Object.fromEntries(labels) : undefined
  const text = query[name]
  const { type } = PARAMETERS[name].schema
  return text === undefined ? undefined : type === 'array' ? text.split(',') : type === 'integer' ? Number(text) : text
}

const headersOf = (names: Answer['headers'] = []): { headers?: Schema } =>
  names.length > 0
    ? { headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])) }
    : {}

function answerOf(
  { meaning, body, type = 'application/json', headers: names }: Answer,
  named: [string, Example][],
): ResponseObject {
  const schema = typeof body === 'string' ? refTo(body) : isList(body) ? { type: 'array', items: refTo(body[0]) } : body
  const content = schema && { content: { [type]: { schema, ...examplesOf(named, ({ answer }) => answer) } } }
  return { description: meaning, ...headersOf(names), ...content }
}

const isList = (body: Answer['body']): body is readonly [SchemaName] => Array.isArray(body)

/** The refusals of an operation by status: what comes with its row of the table of routes, and what it names itself. */
function refusalsOf(route: Route, operation: Operation): Record<string, ResponseObject | Schema> {
  const all = new Set<RefusalCode>([
    ...ALWAYS,
    ...(route.needs === 'open' ? [] : OF_KEYS),
    ...(route.needs === 'submit' ? (['quota_exceeded'] as const) : []),
    ...(route.body === undefined ? [] : WITH_BODY),
    ...(route.parameters === undefined ? [] : (['invalid_parameter'] as const)),
    ...(route.path.includes(':') ? (['not_found'] as const) : []),
    ...operation.refusals,
  ])
  const statuses = new Set([...all].map((code) => REFUSALS[code].status))
  const rows = [...statuses].map((status): Member<ResponseObject | Schema> => {
    const ofStatus = codes.filter((code) => all.has(code) && REFUSALS[code].status === status)
    const said = examplesOn(operation, String(status))
    const [only = 'internal', ...more] = ofStatus
    const shared = more.length === 0 && said.length === 0
    return [String(status), shared ? { $ref: `#/components/responses/${only}` } : refusalOf(ofStatus, said)]
  })
  return Object.fromEntries(rows)
}

/** A refusal with one of these codes. */
function refusalOf(some: readonly RefusalCode[], named: [string, Example][] = []): ResponseObject {
  const again = some.some((code) => 'retryAfter' in REFUSALS[code])
  const schema = { allOf: [refTo('Problem'), { type: 'object', properties: { code: { enum: some } } }] }
  return {
    description: some.map((code) => `\`${code}\`: ${REFUSALS[code].meaning}`).join(' '),
    ...headersOf([
      ...(again ? (['Retry-After'] as const) : []),
      ...(some[0] === 'method_not_allowed' ? (['Allow'] as const) : []),
      ...(some[0] === 'unauthorized' ? (['WWW-Authenticate'] as const) : []),
    ]),
    content: { [PROBLEM_TYPE]: { schema, ...examplesOf(named, ({ answer }) => answer) } },
  }
}
