// Markdown: the pieces that the printed documents are made of.

/** A text with something new between two marks. Throws where a mark is missing. */
export function between([open, close]: readonly [string, string], text: string, inner: string): string {
  const [before, rest = ''] = text.split(`${open}\n`)
  const end = rest.indexOf(close)
  if (before === undefined || end < 0) throw new Error(`the marks are missing: ${open}`)
  return `${before}${open}\n\n${inner}\n\n${rest.slice(end)}`
}

/** With a capital at its beginning. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** Text as code within a line. */
export const code = (text: string): string => `\`${text}\``

/** A page of blocks, an empty line between each two. */
export const page = (...blocks: readonly string[]): string => `${blocks.join('\n\n')}\n`

/** A block of code. */
export const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** A table. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

/** What a printed document says of itself. */
export const printed = (from: string): string => `<!-- Printed from ${from} by \`npm run docs\`. -->`
