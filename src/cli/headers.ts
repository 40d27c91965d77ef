// The headers that are sent with every request, for a proxy in front of the API. Their values are never shown.
import { Headers } from 'node-fetch'
import { CommandError } from './exits.ts'

/** Headers that the command line or HTTP sets. */
const RESERVED_HEADERS = words(
  'accept-encoding connection content-encoding content-length content-type expect host',
).concat(words('http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade'))

/** Reads headers, in the variable one a line; those of the option replace those of the variable. */
export function headersOf(option: readonly string[] | undefined, variable: string | undefined): Headers {
  const headers = new Headers()
  for (const [name, value] of linesOf('TASK_API_HEADERS', variable?.split('\n') ?? [])) headers.append(name, value)
  const given = linesOf('--header', option ?? [])
  for (const [name] of given) headers.delete(name)
  for (const [name, value] of given) headers.append(name, value)
  return headers
}

function linesOf(source: string, lines: readonly string[]): [name: string, value: string][] {
  const given = lines.filter((line) => line.trim() !== '')
  return given.map((line) => {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])[ \t\r]*$/.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new CommandError(
        'usage',
        `${source} must be a header such as 'Authorization: Bearer …', in Latin-1 (the given value is not shown)`,
      )
    if (RESERVED_HEADERS.includes(name.toLowerCase()))
      throw new CommandError('usage', `${source} cannot set ${name}: HTTP itself sets it`)
    return [name, value]
  })
}

function words(text: string): string[] {
  return text.split(' ')
}
