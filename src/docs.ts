// Prints the documents that come from tables: docs/states.md, errors.md, configuration.md, cli.md, the events in operations.md,
// and task_api.schema.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { COMMANDS } from './cli/commands.ts'
import { EXITS } from './cli/exits.ts'
import { optionText, usage } from './cli/help.ts'
import { OPTIONS } from './cli/options.ts'
import { CONFIG_EXIT_CODE } from './config/faults.ts'
import { RESERVED_HEADERS } from './config/headers.ts'
import { jsonSchema } from './config/schema.ts'
import { type Setting, SETTINGS } from './config/settings.ts'
import { ANSWERS } from './core/answers.ts'
import { FAILURES } from './core/failures.ts'
import { REFUSALS } from './core/refusal.ts'
import { STATUSES } from './core/task.ts'
import { TOPICS } from './telemetry/events.ts'
import { FIELDS } from './telemetry/fields.ts'

/** Every printed document: its path in the repository, and its whole text. */
export function printedDocs(): Map<string, string> {
  return new Map([
    ['docs/states.md', states()],
    ['docs/errors.md', errors()],
    ['docs/configuration.md', configuration()],
    ['docs/cli.md', commandLine()],
    ['docs/operations.md', between(EVENT_MARKS, readFileSync('docs/operations.md', 'utf8'), events())],
    ['task_api.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`],
  ])
}

const printed = (from: string): string => `<!-- Printed from ${from} by \`npm run docs\`. -->`

function states(): string {
  const statuses = Object.entries<{ meaning: string; next: readonly string[] }>(STATUSES)
  const moves = statuses.flatMap(([status, { next }]) => next.map((later) => `  ${status} --> ${later}`))
  const ends = statuses.filter(([, { next }]) => next.length === 0).map(([status]) => `  ${status} --> [*]`)
  const rows = statuses.map(([status, { meaning, next }]) => [
    code(status),
    meaning,
    next.map(code).join(', ') || 'none',
  ])
  const answers = ANSWERS.map(({ from, to, meaning }) => [from === to ? `${from}` : `${from} to ${to}`, meaning])
  const first = `  [*] --> ${statuses[0]?.[0] ?? ''}`
  return page(
    '# The statuses of a task',
    printed('src/core/task.ts and src/core/answers.ts'),
    fence('mermaid', ['stateDiagram-v2', first, ...moves, ...ends].join('\n')),
    table(['Status', 'Meaning', 'May become'], rows),
    'A task can be deleted in every status.',
    '## What the answers of a service mean',
    table(
      ['Answer', 'The task'],
      [
        ...answers,
        ['anything else, such as 500', 'Failed, `service_error`, unless `retry.on` of the service names it.'],
      ],
    ),
  )
}

function errors(): string {
  const refusals = Object.entries(REFUSALS)
  return page(
    '# Errors',
    printed('src/core/refusal.ts and src/core/failures.ts'),
    '## Refused requests',
    'The API answers with `application/problem+json`; `code` is one of these, and never changes its meaning.',
    table(
      ['Status', '`code`', 'Title', 'Meaning'],
      refusals.map(([name, { status, title, meaning }]) => [String(status), code(name), title, meaning]),
    ),
    '## Failed tasks',
    'The `error` of a failed task has one of these as its `code`.',
    table(
      ['`code`', 'Meaning'],
      Object.entries(FAILURES).map(([name, meaning]) => [code(name), meaning]),
    ),
  )
}

function configuration(): string {
  return page(
    '# Configuration',
    printed('src/config/'),
    `Every fault of the configuration is named at once on stderr; then nothing is started, and the exit code is ${CONFIG_EXIT_CODE}.`,
    '## Environment',
    'An empty variable counts as one that is not set.',
    table(['Variable', 'Default', 'Must be', 'Meaning'], Object.entries<Setting<unknown>>(SETTINGS).map(settingRow)),
    '## Services',
    'Services stand in `task_api.yaml` or `task_api.json` in the working directory, or in the file that `TASK_API_CONFIG` names (JSON if its name ends in `.json`). Without a file, the service `demo` is served.',
    fence('yaml', EXAMPLE),
    table(['Member of a service', 'Default', 'Meaning'], memberRows(serviceOf(jsonSchema()), '')),
    'Beside `services` the file may have:',
    table(['Member of the file', 'Default', 'Meaning'], fileRows(jsonSchema())),
    '### Variables',
    '`${NAME}` anywhere in text is replaced with the environment variable NAME, which must be set and not empty; `$${` stands for `${` itself. Put such text in quotes. What comes in this way is text: the whole numbers of a service are written in the file.',
    '### Headers that are taken',
    `task_api or HTTP itself sets these, in upper or lower case: ${RESERVED_HEADERS.map(code).join(', ')}.`,
    '### Help from the editor',
    'The JSON Schema of the file is `task_api.schema.json`. In YAML, begin the file with `# yaml-language-server: $schema=` and its path; in JSON, give it as `"$schema"`.',
  )
}

function commandLine(): string {
  const commands = Object.entries(COMMANDS).map(([name, command]) => [
    code(usage(name, command)),
    command.meaning,
    command.options.map((option) => code(`--${option}`)).join(' '),
  ])
  const options = Object.entries(OPTIONS).map(([name, option]) => [code(optionText(name, option)), option.meaning])
  return page(
    '# Command line',
    printed('src/cli/'),
    'The command line is a caller of the REST API, like any other. `task_api help` prints these tables.',
    table(['Command', 'Meaning', 'Options'], commands),
    '## Exit codes',
    table(
      ['Code', 'Meaning'],
      Object.values(EXITS).map(({ code: exit, meaning }) => [String(exit), meaning]),
    ),
    '## Options',
    table(['Option', 'Meaning'], options),
    '## In scripts',
    '`--json` prints the answers of the API on stdout, one JSON value a line, every digit as it is. Errors and warnings are JSON on stderr: `{"error":"refused","exit":4,"detail":…,"problem":…}` and `{"warning":…}`. The API answers a `delete` of IDs with nothing, so nothing is printed.',
    'With several IDs each is tried. The exit code is the first that is not 0. A bulk command (`retry --status failed`) prints how many tasks match and how many were changed: `{"matched":…,"done":…}`.',
    '## A file of tasks: `batch`',
    fence('sh', BATCH_EXAMPLE),
    'The file has one JSON object a line, or is one JSON array of them; without FILE it is stdin. Each object is the body of a POST /tasks, and its payload stays as it is, byte for byte. All lines are read before anything is sent: up to 2 GiB, in UTF-8.',
    'The tasks are submitted a thousand at a time, each thousand in one commit. A thousand has an `Idempotency-Key`, made from its bytes and its place. So **a second run of the same file goes on after a break, and creates nothing twice**, for as long as keys are kept (`IDEMPOTENCY_WINDOW`, 24 h). It does not matter whether the same tasks come as lines or as an array, from a file or from stdin.',
    'Do not append to a file and run it again: the last thousand has other bytes then, and is created anew. Write a new file. To create the tasks of the same file once more, give the run a name of its own: `--idempotency-key monday`.',
    'While nobody answers, the command asks again, for a minute at the least. Then it ends with 5; run it again. On a terminal a bar on stderr shows how far it is. The last line says how many ended how:',
    fence('', '100000 submitted, 40000 of them before, 99990 complete, 9 failed, 1 gone'),
    '`of them before` counts tasks that were there: of an earlier run, or by their `unique`. `gone` were deleted. With `--json` the line is `{"submitted":100000,"existing":40000,"complete":99990,"failed":9,"gone":1}`. The exit code is 0 if all are complete, and 1 otherwise. With `--no-wait` the command ends when all are submitted.',
  )
}

const BATCH_EXAMPLE = `printf '{"service":"demo","action":"echo","payload":{"n":%s}}\\n' 1 2 3 > tasks.ndjson
task_api batch tasks.ndjson`

/** What stands around the events in docs/operations.md; the rest of that page is written by hand. */
const EVENT_MARKS = [
  `${printed('src/telemetry/')}\n<!-- prettier-ignore-start -->`,
  '<!-- prettier-ignore-end -->',
] as const

function events(): string {
  const topics = Object.entries(TOPICS).flatMap(([topic, rows]) => [
    `#### ${topic}`,
    table(
      ['Event', 'Level', '`msg`', 'Fields', 'Meaning', 'What to do'],
      Object.entries(rows).map(([name, { level, text, fields, meaning, action }]) => [
        code(name),
        level,
        text,
        fields.map((field) => code(field)).join(' '),
        meaning,
        action,
      ]),
    ),
  ])
  const fields = Object.entries(FIELDS).map(([name, { meaning }]) => [code(name), meaning])
  return [...topics, '#### Fields', table(['Field', 'Meaning'], fields)].join('\n\n')
}

/** A text with something new between two marks. Throws where a mark is missing. */
function between([open, close]: readonly [string, string], text: string, inner: string): string {
  const [before, rest = ''] = text.split(`${open}\n`)
  const after = rest.split(close)[1]
  if (before === undefined || after === undefined) throw new Error(`the marks are missing: ${open}`)
  return `${before}${open}\n\n${inner}\n\n${close}${after}`
}

const EXAMPLE = `services:
  billing:
    url: http://billing.internal:8080/tasks/{action}
    headers: { Authorization: "Bearer \${BILLING_TOKEN}" }`

function settingRow([name, { rule, fallback, meaning }]: [string, Setting<unknown>]): string[] {
  return [code(name), fallback === undefined ? 'not set' : code(fallback), sentence(rule.expected), meaning]
}

/** As much of a JSON Schema as the table of members needs. */
interface Described {
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Described>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Described
}

/** What the schema says of one service. */
const serviceOf = (schema: Described): Described => schema.properties?.services?.additionalProperties ?? {}

/** The members of the file itself: what holds for all services. */
const fileRows = ({ properties: { retention = {} } = {} }: Described): string[][] =>
  memberRows({ properties: { retention } }, '')

function memberRows({ properties = {}, required = [] }: Described, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const given = member.default === undefined ? 'not set' : code(JSON.stringify(member.default).replaceAll('"', ''))
    const fallback = required.includes(name) ? 'required' : given
    const line = [code(prefix + name), member.properties && member.default ? '' : fallback, member.description ?? '']
    return [line, ...memberRows(member, `${prefix}${name}.`)]
  })
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const code = (text: string): string => `\`${text}\``

const page = (...blocks: readonly string[]): string => `${blocks.join('\n\n')}\n`

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, text] of printedDocs()) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
