// JSON Schema (2020-12) of what callers write: the type, and schemas that several tables use.

/** A schema, as it is printed. */
export type Schema = Readonly<Record<string, unknown>>

/** Text without NUL and lone surrogates, which Postgres and UTF-8 cannot hold. */
const HELD = '^[^\\u0000\\ud800-\\udfff]*$'

/** A text of so many characters. */
export const textSchema = (least: number, most: number): Schema => ({
  type: 'string',
  ...(least > 0 && { minLength: least }),
  maxLength: most,
  pattern: HELD,
})

/** A whole number. */
export const wholeSchema = (least: number, most: number): Schema => ({ type: 'integer', minimum: least, maximum: most })

/** An object with these members and no others; the first `required` must be there. */
export const objectSchema = (required: Schema, optional: Schema = {}): Schema => ({
  type: 'object',
  properties: { ...required, ...optional },
  ...(Object.keys(required).length > 0 && { required: Object.keys(required) }),
  additionalProperties: false,
})
