// The words of an error, as SQL: what it says, without the numbers and ids in which errors of one kind differ.

/** The characters of a message, and those of a text of which a message is made: numbers of any length leave enough. */
const [MESSAGE, TEXT] = [200, 300]

/** A number, a hexadecimal number, a UUID, or the digits of a word. */
const VARIES = String.raw`\m[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*\M|[0-9]+`

/**
 * The beginning of an error as text. It is cut, and not read as JSON: a body may hold what no text of Postgres can, such as \u0000.
 * The body is the last member. Within a string no quote is bare.
 */
export const textOf = (error: string): string => `left(${error}::text, 1000)`

export const codeOf = (text: string): string => `split_part(${text}, '"', 4)`

/** The status of the last answer; empty: there was none. */
export const answeredOf = (text: string): string => `split_part(split_part(${text}, ',"status":', 2), ',', 1)`

/** How the last answer began, or the detail where it has no body; a JSON string that may be cut. */
export const messageOf = (text: string): string => `left(regexp_replace(coalesce(
        nullif(nullif(left(split_part(${text}, ',"body":"', 2), ${TEXT}), ''), '"}'),
        substring(ltrim(split_part(${text}, '"detail"', 2), ' :"') from '^(([^"\\\\]|\\\\.)*)')
      ), '${VARIES}', '#', 'g'), ${MESSAGE})`

/** The name of a kind of failure: the same for errors with the same code, status and message. */
export const kindOf = (code: string, status: string, message: string): string =>
  `left(md5(${code} || ' ' || ${status} || ' ' || ${message}), 12)`

/** The kind of an error. */
export const kindOfError = (error: string): string =>
  kindOf(codeOf(textOf(error)), answeredOf(textOf(error)), messageOf(textOf(error)))
