// The OpenAPI document as its readers see it, and the examples in it.
import type { Schema } from '../core/json-schema.ts'

/** An entry of an object. */
export type Member<T> = [string, T]

export interface Examples {
  readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value?: unknown }>>
}

export interface ParameterObject extends Examples {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description: string
  readonly schema: Schema
}

export interface MediaType extends Examples {
  readonly schema: Schema
}

export interface ResponseObject {
  readonly description: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, MediaType>>
}

/** Where a `Schema` stands beside another type, it is a reference. */
export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly security?: readonly object[]
  readonly parameters: readonly (ParameterObject | Schema)[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<Record<string, ResponseObject | Schema>>
}

export interface Document {
  readonly openapi: string
  readonly info: Readonly<Record<string, unknown>>
  readonly servers: readonly object[]
  readonly security: readonly object[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly parameters: Readonly<Record<string, ParameterObject>>
    readonly headers: Readonly<Record<string, unknown>>
    readonly responses: Readonly<Record<string, ResponseObject>>
    readonly securitySchemes: object
  }
}

/** An operation, and where it stands. */
export interface Placed {
  readonly method: string
  readonly path: string
  readonly operation: OperationObject
}

/** The operations, in the order of the document. */
export const operationsOf = ({ paths }: Document): Placed[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )

/** The object that a reference names; any other value is given back. */
export function resolved<T extends object>(document: Document, value: T | Schema): T {
  const { $ref } = value as { $ref?: string }
  if ($ref === undefined) return value as T
  const steps = $ref.replace('#/', '').split('/')
  return steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document) as T
}

/** An example: a request, and what it is answered. */
export interface Exchange {
  readonly name: string
  readonly summary: string
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status: string
  readonly answer?: unknown
}

/** The value of a parameter in an example. */
type Given = string | number | readonly string[]

/** The examples of an operation: those of its request, of its answers, and one of the first answer where there is no other. */
export function exchangesOf(document: Document, { method, path, operation }: Placed): Exchange[] {
  const parameters = operation.parameters.map((one) => resolved<ParameterObject>(document, one))
  const bodies = Object.values(operation.requestBody?.content ?? {})[0]?.examples ?? {}
  const answers = Object.entries(operation.responses).flatMap(([status, one]) =>
    Object.values(resolved<ResponseObject>(document, one).content ?? {}).flatMap(({ examples = {} }) =>
      Object.entries(examples).map(([name, example]) => ({ name, status, ...example })),
    ),
  )
  const requests = [bodies, ...parameters.map(({ examples = {} }) => examples)].flatMap((examples) =>
    Object.entries(examples),
  )
  const summaries = new Map(
    [...requests, ...answers.map((one) => [one.name, one] as const)].map(([name, { summary }]) => [name, summary]),
  )
  const [first = ''] = Object.keys(operation.responses)
  const names = summaries.size > 0 ? [...summaries] : [['one', operation.summary] as const]
  return names.map(([name, summary = '']) => {
    const value = (of: ParameterObject): Given | undefined => of.examples?.[name]?.value as Given | undefined
    const given = (place: string): ParameterObject[] =>
      parameters.filter((one) => one.in === place && value(one) !== undefined)
    // Of an object each member is a parameter.
    const query = new URLSearchParams(
      given('query').flatMap((one) =>
        one.schema.type === 'object' ? Object.entries(value(one) ?? {}) : [[one.name, String(value(one))]],
      ) as [string, string][],
    ).toString()
    const filled = given('path').reduce((text, one) => text.replace(`{${one.name}}`, String(value(one))), path)
    const answer = answers.find((one) => one.name === name)
    return {
      name,
      summary,
      method,
      path: query === '' ? filled : `${filled}?${query}`,
      headers: Object.fromEntries(given('header').map((one) => [one.name, String(value(one))])),
      body: bodies[name]?.value,
      status: answer?.status ?? first,
      answer: answer?.value,
    }
  })
}
