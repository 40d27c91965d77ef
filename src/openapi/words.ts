// Schemas with their descriptions, as the tables of schemas write them.
import { objectSchema, type Schema } from '../core/json-schema.ts'

/** A reference to a schema of the document. */
export const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

export const described = (description: string, schema: Schema): Schema => ({ description, ...schema })
export const orNull = ({ description, type, ...rest }: Schema): Schema =>
  described(description as string, { type: [type, 'null'], ...rest })
export const anything = (description: string): Schema => ({ description })

export const text = (description: string): Schema => described(description, { type: 'string' })
export const time = (description: string): Schema => described(description, { type: 'string', format: 'date-time' })
export const number = (description: string): Schema => described(description, { type: 'integer', minimum: 0 })
export const location = (description: string): Schema =>
  described(description, { type: 'string', pattern: '^/tasks/[0-9]+$' })
export const oneOf = (description: string, values: readonly string[]): Schema =>
  described(description, { type: 'string', enum: values })
export const listOf = (description: string, items: Schema): Schema => described(description, { type: 'array', items })
/** An object of an answer: later releases may give it more members. */
export const shown = (required: Schema, optional: Schema = {}): Schema => {
  const { additionalProperties: _closed, ...open } = objectSchema(required, optional)
  return open
}
