// Schemas and tables as HTML, for the page /docs.
import type { Schema } from '../core/json-schema.ts'

/** Text that HTML shows as it is. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Text whose words in backticks are code. */
export const coded = (text: string): string => escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')

/** A row of a table; its cells are HTML. */
export const row = (cells: readonly string[]): string => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`

/** A table that scrolls by itself where the screen is narrow. */
export const table = (head: readonly string[], rows: readonly string[]): string =>
  `<div class="table" tabindex="0"><table><thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`

interface Described {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly items?: Described
  readonly oneOf?: readonly Described[]
  readonly anyOf?: readonly Described[]
  readonly properties?: Readonly<Record<string, Described>>
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly description?: string
}

/** The type of a value, in words. */
export function typeOf(schema: Schema): string {
  const { $ref, type, const: only, enum: some, items, oneOf, anyOf } = schema as Described
  if ($ref !== undefined) {
    const name = $ref.replace(/.*\//, '')
    return `<a href="#schema-${name}">${name}</a>`
  }
  if (only !== undefined) return literal(only)
  if (some !== undefined) return some.map(literal).join(' or ')
  const choice = oneOf ?? (type === undefined ? anyOf : undefined)
  if (choice !== undefined) return choice.map((one) => typeOf(one as Schema)).join(' or ')
  if (type === 'array') return `array of ${typeOf((items ?? {}) as Schema)}`
  return type === undefined ? 'any JSON' : [type].flat().join(' or ')
}

const literal = (value: unknown): string => `<code>${escaped(JSON.stringify(value))}</code>`

/** The members of a schema; for one that is no object, what it is. */
export function membersTable(schema: Schema): string {
  const { description, properties } = schema as Described
  const about = description === undefined ? '' : `<p>${coded(description)}</p>`
  if (properties === undefined) return `${about}<p>${typeOf(schema)}</p>`
  return about + table(['Member', 'Type', 'Meaning'], rowsOf(schema, ''))
}

function rowsOf({ properties = {}, required = [] }: Described, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const path = prefix + name
    const must = required.includes(name) ? '' : ' <small>optional</small>'
    const preset = member.default === undefined ? '' : ` Default: ${literal(member.default)}.`
    const inner = [member, member.items ?? {}, ...(member.oneOf ?? [])].flatMap((one) => rowsOf(one, `${path}.`))
    const line = row([
      `<code>${escaped(path)}</code>${must}`,
      typeOf(member as Schema),
      coded(member.description ?? '') + preset,
    ])
    return [line, ...inner]
  })
}
