// The OpenAPI document as a judge of answers: status, headers and body must be as it says.
import { readFileSync } from 'node:fs'
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js'
import {
  type Document,
  type OperationObject,
  operationsOf,
  resolved,
  type ResponseObject,
} from '../../src/api/document.ts'
import { ANSWER_HEADERS } from '../../src/openapi/headers.ts'

export const DOCUMENT = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as Document

/** An answer as a caller has it. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const ROOT = 'https://task-api.invalid/openapi'
/** How the API writes times: callers may read any, but these are all that it writes. */
const TIME = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: true,
  formats: { 'date-time': TIME },
}).addSchema({ $id: ROOT, $defs: closed(DOCUMENT.components.schemas) as object })

/**
 * The same schema, closed: an object of an answer may have more members in a later release, but not in this one. What `allOf` adds to a
 * schema stays open.
 */
function closed(schema: unknown, inAll = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => closed(one, inAll))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    key === '$ref' ? String(value).replace('#/components/schemas/', `${ROOT}#/$defs/`) : closed(value, key === 'allOf'),
  ])
  const isOpen = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema) && !inAll
  return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) }
}

const validators = new Map<object, ValidateFunction>()

/** What is wrong with a value, by a schema of the document; empty: nothing. */
export function faultsOf(schema: object, value: unknown): string {
  const known = validators.get(schema)
  const validate = known ?? ajv.compile(closed(schema) as AnySchemaObject)
  if (!known) validators.set(schema, validate)
  return validate(value) ? '' : ajv.errorsText(validate.errors)
}

const PLACED = operationsOf(DOCUMENT).map((placed) => ({
  ...placed,
  pattern: new RegExp(`^${placed.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}))

/** The operation of a request; undefined: the document has none. A path without a parameter comes first. */
export function operationAt(method: string, path: string): OperationObject | undefined {
  const exact = PLACED.filter((one) => one.path === path)
  const found = exact.length > 0 ? exact : PLACED.filter(({ pattern }) => pattern.test(path))
  return found.find((one) => one.method === method)?.operation
}

/** What of an answer is not as the document says; empty: nothing, or the document has no such operation. */
export function judged(method: string, path: string, answered: Answered): string {
  const operation = operationAt(method, path)
  if (operation === undefined) return ''
  const { status, headers, text } = answered
  const told = operation.responses[String(status)]
  if (told === undefined) return `${operation.operationId} does not know the status ${status}: ${text.slice(0, 200)}`
  const response = resolved<ResponseObject>(DOCUMENT, told)
  const wrong = [headersOf(response, headers), bodyOf(response, headers, text)].filter((fault) => fault !== '')
  return wrong.map((fault) => `${operation.operationId} ${status}: ${fault}`).join('; ')
}

function headersOf(response: ResponseObject, headers: Headers): string {
  const faults = Object.entries(ANSWER_HEADERS).map(([name, { schema }]) => {
    const value = headers.get(name)
    if (value === null) return ''
    if (!Object.hasOwn(response.headers ?? {}, name)) return `the header ${name} is not described`
    return faultsOf(schema, 'minimum' in schema ? Number(value) : value)
  })
  return faults.filter((fault) => fault !== '').join('; ')
}

function bodyOf({ content }: ResponseObject, headers: Headers, text: string): string {
  const type = headers.get('Content-Type')?.replace(/;.*/, '')
  if (content === undefined) return text === '' ? '' : 'there is a body, and none is described'
  const media = type === undefined ? undefined : content[type]
  if (media === undefined) return `the type ${type ?? '(none)'} is not described`
  return faultsOf(media.schema, type?.endsWith('json') ? JSON.parse(text) : text)
}

/** Throws where an answer is not as the document says. */
export function expectDescribed(method: string, url: string, answered: Answered): void {
  const wrong = judged(method, new URL(url).pathname, answered)
  if (wrong !== '') throw new Error(`the OpenAPI document is wrong: ${wrong}; the body: ${answered.text.slice(0, 500)}`)
}
