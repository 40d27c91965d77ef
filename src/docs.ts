// Prints the documents that come from tables: docs/states.md, errors.md, configuration.md, keys.md, cli.md, openapi.json, the events in
// operations.md, and task_api.schema.json.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROUTES } from './api/routes.ts'
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
import { SCOPES } from './core/key.ts'
import { REFUSALS } from './core/refusal.ts'
import { STATUSES } from './core/task.ts'
import { CHECKS } from './doctor/doctor.ts'
import { printOpenApi } from './openapi/document.ts'
import { code, fence, page, printed, sentence, table } from './markdown.ts'
import { operations } from './printed-operations.ts'
import { readVersion } from './version.ts'

/** Every printed document: its path in the repository, and its whole text. */
export function printedDocs(): Map<string, string> {
  return new Map([
    ['docs/states.md', states()],
    ['docs/errors.md', errors()],
    ['docs/configuration.md', configuration()],
    ['docs/keys.md', keys()],
    ['docs/cli.md', commandLine()],
    ['docs/operations.md', operations()],
    ['docs/openapi.json', `${JSON.stringify(printOpenApi(readVersion()), null, 2)}\n`],
    ['task_api.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`],
  ])
}

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
    table(['Member of a service', 'Default', 'Meaning'], memberRows(membersOf('services'), '')),
    '### Keys',
    'The file may have `keys` by name. [keys.md](keys.md) says what each scope allows.',
    table(['Member of a key', 'Default', 'Meaning'], memberRows(membersOf('keys'), '')),
    'Beside these the file may have:',
    table(['Member of the file', 'Default', 'Meaning'], fileRows(jsonSchema())),
    '### Variables',
    '`${NAME}` anywhere in text is replaced with the environment variable NAME, which must be set and not empty; `$${` stands for `${` itself. Put such text in quotes. What comes in this way is text: the whole numbers of a service are written in the file.',
    '`${file:/run/secrets/x}` is replaced with the content of that file, without the line break at its end. The path is absolute. The content is UTF-8 without NUL, 1 byte to 64 KiB. The files are read again together with the services file, and also when one of them changes. `DATABASE_URL` and `REDIS_URL` may each be such a text as a whole, and are read once.',
    '### Headers that are taken',
    `task_api or HTTP itself sets these, in upper or lower case: ${RESERVED_HEADERS.map(code).join(', ')}.`,
    '### Help from the editor',
    'The JSON Schema of the file is `task_api.schema.json`. In YAML, begin the file with `# yaml-language-server: $schema=` and its path; in JSON, give it as `"$schema"`.',
  )
}

function keys(): string {
  return page(
    '# Keys',
    printed('src/core/key.ts and src/api/routes.ts'),
    '[contract.md](contract.md#keys) says what a key bounds; [configuration.md](configuration.md#keys) has its members.',
    '## Scopes',
    table(
      ['Scope', 'What it allows'],
      Object.entries(SCOPES).map(([scope, meaning]) => [code(scope), `It ${meaning}.`]),
    ),
    '## Routes',
    'GET includes HEAD. OPTIONS, and the answers 404 and 405 to other paths and methods, need no key.',
    table(
      ['Route', 'Needs'],
      ROUTES.map(({ method, path, needs }) => [code(`${method} ${path}`), needs === 'open' ? 'no key' : code(needs)]),
    ),
  )
}

function commandLine(): string {
  const commands = Object.entries(COMMANDS).map(([name, command]) => [
    code(usage(name, command)),
    command.meaning,
    command.options.map((option) => code(`--${option}`)).join(' '),
  ])
  const checks = Object.entries(CHECKS).flatMap(([part, rows]) =>
    Object.entries(rows).map(([name, { asks, mend }]) => [code(`${part}.${name}`), asks, mend]),
  )
  const options = Object.entries(OPTIONS).map(([name, option]) => [code(optionText(name, option)), option.meaning])
  return page(
    '# Command line',
    printed('src/cli/'),
    'The command line is a caller of the REST API, like any other. `start`, `doctor` and `config check` alone need no node. `task_api help` prints these tables.',
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
    '## What is wrong: `doctor`',
    '`task_api doctor` reads the environment and the services file, as `start` does in the same folder, and prints one line a check: `ok`, `warning` or `fault`, what is so, and what to do. It needs no node, changes nothing, and shows no secret. With `--json` it prints one array of `{"check":…,"state":…,"what":…,"mend":…}`; `mend` is null where all is well. The exit code is 1 if there is a fault; warnings alone leave it 0. It ends within 15 s, whoever is silent.',
    'A node works with a warning, but something may be slow, come late, or get lost when a machine fails. Where the configuration has faults, only Node and the configuration are checked. At Redis it tries commands with a key that nobody uses, as a node does at its start.',
    table(['Check', 'What it asks', 'What to do'], checks),
    '## A services file: `config check`',
    '`task_api config check FILE` reads a services file with the environment. It prints every fault as `start` does, and ends with 78; or it says which services the file has, and ends with 0. With `--json` it prints `{"file":…,"services":[{"name":…,"url":…,"headers":[…]}],"faults":[{"path":…,"line":…,"expected":…,"found":…}]}`; of headers only the names.',
    '## A file of tasks: `batch`',
    fence('sh', BATCH_EXAMPLE),
    'The file has one JSON object a line, or is one JSON array of them; without FILE it is stdin. Each object is the body of a POST /tasks, and its payload stays as it is, byte for byte. All lines are read before anything is sent: up to 2 GiB, in UTF-8.',
    'The tasks are submitted a thousand at a time, each thousand in one commit. A thousand has an `Idempotency-Key`, made from its bytes and its place. So **a second run of the same file goes on after a break, and creates nothing twice**, for as long as keys are kept (`IDEMPOTENCY_WINDOW`, 24 h). It does not matter whether the same tasks come as lines or as an array, from a file or from stdin.',
    'Do not append to a file and run it again: the last thousand has other bytes then, and is created anew. Write a new file. To create the tasks of the same file once more, give the run a name of its own: `--idempotency-key monday`.',
    'While nobody answers, the command asks again, for a minute at the least. Then it ends with 5; run it again. On a terminal a bar on stderr shows how far it is. The last line says how many ended how:',
    fence('', '100000 submitted, 40000 of them before, 99990 complete, 9 failed, 1 gone'),
    '`of them before` counts tasks that were there: of an earlier run, or by their `unique`. `gone` were deleted. With `--json` the line is `{"submitted":100000,"existing":40000,"complete":99990,"failed":9,"gone":1}`. The exit code is 0 if all are complete, and 1 otherwise. With `--no-wait` the command ends when all are submitted.',
    'Ctrl-C ends the command, and stops no task. Run the same command again to go on.',
    'To find tasks of a file again, give its lines a label, such as `"labels":{"run":"7"}`. Then list those that failed, and retry them at a rate:',
    fence('sh', AGAIN_EXAMPLE),
  )
}

const BATCH_EXAMPLE = `printf '{"service":"demo","action":"echo","payload":{"n":%s}}\\n' 1 2 3 > tasks.ndjson
task_api batch tasks.ndjson`

const AGAIN_EXAMPLE = `task_api list --label run=7 --status failed
task_api retry --label run=7 --status failed --retried false --rate 20/s`

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

/** What the schema says of one service, or of one key. */
function membersOf(kind: 'services' | 'keys'): Described {
  const { properties }: Described = jsonSchema()
  return properties?.[kind]?.additionalProperties ?? {}
}

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

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, text] of printedDocs()) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
