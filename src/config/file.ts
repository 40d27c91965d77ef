// The services file: finds the file, and reads its text as YAML or JSON.
import { resolve } from 'node:path'
import { type Document, isNode, LineCounter, parseDocument, type YAMLError } from 'yaml'
import { scanMembers } from '../core/json.ts'
import type { ConfigFault } from './faults.ts'

/** Reads a whole file; throws an error with a `code`, as `readFileSync` does. */
export type ReadFile = (path: string) => Uint8Array

/** A services file that was read and parsed. */
export interface ServicesFile {
  readonly path: string
  readonly data: unknown
  /** The line of a value, or of the innermost value around it that has a line. */
  lineOf(path: readonly PropertyKey[]): number | undefined
}

const NAMES = ['task_api.yaml', 'task_api.json'] as const
/** Names that are easily confused with the right ones. Such a file is a fault. */
const MISNAMED = ['task_api.yml'] as const

/** Finds and parses the services file. Undefined when there is no file, or when a fault was added to `faults`. */
export function readServicesFile(cwd: string, named: string | undefined, readFile: ReadFile, faults: ConfigFault[]) {
  const found = find(cwd, named, readFile, faults)
  return found === undefined ? undefined : parse(found.path, found.bytes, faults)
}

interface Found {
  readonly path: string
  readonly bytes: Uint8Array
}

function find(cwd: string, named: string | undefined, readFile: ReadFile, faults: ConfigFault[]): Found | undefined {
  const open = (name: string): Found | string => {
    const path = resolve(cwd, name)
    try {
      return { path, bytes: readFile(path) }
    } catch (error) {
      return codeOf(error)
    }
  }
  if (named !== undefined) {
    const file = open(named)
    if (typeof file !== 'string') return file
    const found = `${resolve(cwd, named)}: ${REASONS[file] ?? file}`
    faults.push({ source: 'environment', path: 'TASK_API_CONFIG', expected: 'a file that can be read', found })
    return undefined
  }
  const files = [...NAMES, ...MISNAMED]
    .map((name) => ({ name, file: open(name) }))
    .filter(({ file }) => file !== 'ENOENT')
  for (const { name, file } of files) faults.push(...faultsOfFound(resolve(cwd, name), name, file, files.length))
  return files.map(({ file }) => file).find((file) => typeof file !== 'string')
}

function faultsOfFound(source: string, name: string, file: Found | string, count: number): ConfigFault[] {
  if (typeof file === 'string')
    return [{ source, path: '', expected: 'a file that can be read', found: REASONS[file] ?? file }]
  if (count > 1)
    return [{ source, path: '', expected: 'one services file in the working directory', found: `${count} of them` }]
  const misnamed = MISNAMED.some((other) => other === name)
  return misnamed ? [{ source, path: '', expected: `the name ${NAMES[0]}`, found: name }] : []
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'

/** Why a file could not be read, in words. */
export const reasonOf = (error: unknown): string => REASONS[codeOf(error)] ?? codeOf(error)

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EISDIR: 'a directory',
  EACCES: 'no permission to read it',
}

function parse(path: string, bytes: Uint8Array, faults: ConfigFault[]): ServicesFile | undefined {
  const lines = new LineCounter()
  const text = decoded(bytes)
  const report = (expected: string, found: string, at?: number): undefined => {
    const place = at === undefined ? {} : placeOf(text ?? '', at)
    faults.push({ source: path, ...place, path: '', expected, found })
  }
  if (text === undefined) return report('text in UTF-8', 'other bytes')
  const json = path.endsWith('.json')
  const language = json ? 'JSON' : 'YAML'
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    })
    const data: unknown = json ? JSON.parse(text) : undefined
    // Of a JSON file only duplicate keys count: other errors of the YAML parser are no faults of JSON.
    const errors = [...document.errors, ...document.warnings].filter(({ code }) => !json || code === 'DUPLICATE_KEY')
    for (const error of errors) report(expectedBy(error, language), foundBy(error), error.pos[0])
    if (errors.length > 0) return undefined
    if (document.contents === null) return report('a mapping with `services`', 'an empty file')
    return { path, data: json ? data : document.toJS(), lineOf: (inner) => lineOf(document, lines, inner) }
  } catch {
    return report(
      `valid ${language}`,
      json
        ? 'something else (comments and trailing commas are not JSON)'
        : 'an alias or a nesting that cannot be resolved',
      json ? brokenAt(text) : undefined,
    )
  }
}

/** The offset at which a text stops being JSON. Node's message quotes the text, which may be secret, and has no offset. */
function brokenAt(text: string): number | undefined {
  const bytes = Buffer.from(text)
  const scan = scanMembers(bytes, Infinity)
  return scan.kind === 'malformed' ? bytes.toString('utf8', 0, scan.at).length : undefined
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split(/\r\n|\r|\n/)
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

/** The text of bytes in UTF-8; undefined: they are not. */
export function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const expectedBy = (error: YAMLError, language: string): string =>
  error.code === 'DUPLICATE_KEY' ? 'every name once' : `valid ${language}`

/** The parser's message without quotes from the file, which may be secret. */
const foundBy = (error: YAMLError): string =>
  OWN_WORDS[error.code] ?? error.message.replace(/(?<=\w): .*$/s, '').replaceAll(/\s+/g, ' ')

const OWN_WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'a name that was there before',
  BAD_DIRECTIVE: 'a line that begins with %',
  TAG_RESOLVE_FAILED: 'a tag, which begins with !',
  BAD_COLLECTION_TYPE: 'a tag, which begins with !',
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return undefined
}
