// The floors of the house: which folder may import which, and which packages are whose.
import { readFileSync, readdirSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'

interface Floor {
  /** npm packages that only the floors that name them may import. */
  readonly packages: readonly string[]
  /** The floors whose files it may import, beside its own. */
  readonly floors: readonly string[]
}

const floor = (packages: readonly string[], floors: readonly string[]): Floor => ({ packages, floors })

/** One row a floor. A file with a row of its own is an entry, and a floor by itself. */
const FLOORS: Readonly<Record<string, Floor>> = {
  'src/core': floor(['croner'], []),
  'src/config': floor(['yaml', 'zod'], ['src/core']),
  'src/telemetry': floor(['pino', 'prom-client', '@opentelemetry/api'], ['src/core']),
  'src/store': floor(['knex', 'pg'], ['src/core', 'src/telemetry']),
  'src/queue': floor(['ioredis'], ['src/core', 'src/telemetry']),
  'src/actor': floor(['undici'], ['src/core']),
  workers: floor([], ['src/core', 'src/actor']),
  'src/lifecycle': floor([], ['src/core', 'src/telemetry', 'src/store', 'src/queue']),
  'src/supervisor': floor(['piscina'], ['src/core', 'src/telemetry', 'src/store', 'src/queue', 'src/lifecycle']),
  'src/api': floor(
    ['koa', '@koa/router', 'koa-bodyparser'],
    ['src/core', 'src/telemetry', 'src/store', 'src/queue', 'src/lifecycle'],
  ),
  'src/openapi': floor([], ['src/core', 'src/api']),
  'packages/embedded-postgres': floor([], []),
  'src/demo': floor([], ['src/core']),
  'src/cli': floor(['node-fetch'], ['src/core']),
  'src/doctor': floor([], ['src/core', 'src/config', 'src/store', 'src/queue', 'src/api', 'src/cli']),
  'src/main.ts': floor(
    [],
    // prettier-ignore
    ['src/core', 'src/config', 'src/telemetry', 'src/store', 'src/queue', 'src/lifecycle', 'src/supervisor', 'src/api',
      'src/demo', 'src/notes.ts', 'src/reload.ts', 'packages/embedded-postgres'],
  ),
  'src/notes.ts': floor([], ['src/core', 'src/config', 'src/telemetry', 'src/store', 'src/api']),
  'src/reload.ts': floor([], ['src/core', 'src/config', 'src/telemetry', 'src/supervisor']),
  'src/task_api.mjs': floor([], ['src/setup.mjs']),
  'src/setup.mjs': floor([], ['src/alone.mjs']),
  'src/alone.mjs': floor([], []),
  'src/version.ts': floor([], []),
  'src/markdown.ts': floor([], []),
  'src/printed-operations.ts': floor([], ['src/telemetry', 'src/markdown.ts']),
  'src/docs.ts': floor(
    [],
    [
      'src/core',
      'src/config',
      'src/cli',
      'src/api',
      'src/doctor',
      'src/openapi',
      'src/markdown.ts',
      'src/printed-operations.ts',
      'src/version.ts',
    ],
  ),
  'src/bin.ts': floor(
    [],
    [
      'src/config',
      'src/telemetry',
      'src/api',
      'src/cli',
      'src/doctor',
      'src/main.ts',
      'src/version.ts',
      'packages/embedded-postgres',
    ],
  ),
  migrations: floor(['knex'], []),
  'knexfile.ts': floor(['knex'], ['src/store']),
}

/** Words that say nothing about what a file owns. */
const BANNED = /handler|manager|helper|util|job|worker/i
/** The longest that a file may be. */
const MAX_LINES = 250

const files = ['src', 'packages', 'workers', 'migrations', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs)$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath, entry.name)),
)
const house = [...files.filter((file) => !/^(?:packages\/[^/]+\/)?test\//.test(file)), 'knexfile.ts']

const isBuiltin = (imported: string): boolean => imported.startsWith('node:')

/** What a file imports, for its values or for its types: paths from the root of the repository, or names of packages. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/^(?:import|export|\}).* from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...found].map(([, from, bare, inline]) => {
    const specifier = from ?? bare ?? inline ?? ''
    if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
    // A package's own files belong to it.
    return isBuiltin(specifier) ? specifier : (/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier)
  })
}

const imports = new Map(house.map((file) => [file, importsOf(file)]))

const floorOf = (file: string): string | undefined =>
  Object.hasOwn(FLOORS, file) ? file : Object.keys(FLOORS).find((folder) => file.startsWith(`${folder}/`))

const isFile = (imported: string): boolean => imports.has(imported)

/** The packages that a cell names; the embedded Postgres has binaries, which are no package of one name. */
const words = (cell: string): string[] => (cell === '' || cell === 'its binaries' ? [] : cell.split(', '))

/** The first way round from a file back to itself. */
function cycle(): string[] | undefined {
  const clear = new Set<string>()
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (clear.has(file)) return undefined
    for (const next of (imports.get(file) ?? []).filter(isFile)) {
      const found = walk(next, [...path, file])
      if (found) return found
    }
    clear.add(file)
    return undefined
  }
  for (const file of house) {
    const found = walk(file, [])
    if (found) return found
  }
  return undefined
}

describe('the floors of the house', () => {
  it('are each found in the tree, and every file is on one of them', () => {
    const used = new Set(house.map(floorOf))
    expect([...used]).to.have.members(Object.keys(FLOORS))
  })

  it('are the table of docs/architecture.md', () => {
    const rows = readFileSync('docs/architecture.md', 'utf8').matchAll(
      /^\| \[`([^`]+?)\/?`\]\(.*?\) +\|.*?\| (.*?) *\| (.*?) *\|$/gm,
    )
    const told = [...rows].map(([, name = '', packages = '', may = '']) => {
      const floors = words(may).map((one) => `src/${one}`)
      return [
        name,
        floor(
          words(packages),
          floors.filter((one) => one !== name),
        ),
      ] as const
    })
    const folders = Object.entries(FLOORS).filter(
      ([name]) => name === 'workers' || /^(?:src|packages)\/[a-z-]+$/.test(name),
    )
    expect(Object.fromEntries(told)).to.deep.equal(Object.fromEntries(folders))
  })

  it('import only the floors that their row names', () => {
    const wrong = house.flatMap((file) => {
      const own = floorOf(file) ?? ''
      const strays = (imports.get(file) ?? []).filter(isFile).filter((imported) => {
        const other = floorOf(imported) ?? ''
        return other !== own && !FLOORS[own]?.floors.includes(other)
      })
      return strays.map((stray) => `${file} imports ${stray}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('import a folder of packages/ only through its index', () => {
    const wrong = house.flatMap((file) => {
      const inside = (imports.get(file) ?? []).filter((one) => floorOf(one)?.startsWith('packages/'))
      const strays = inside.filter((one) => floorOf(one) !== floorOf(file) && !one.endsWith('/src/index.ts'))
      return strays.map((stray) => `${file} imports ${stray}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('import only the packages that their row names', () => {
    const wrong = house.flatMap((file) => {
      const own = FLOORS[floorOf(file) ?? '']?.packages ?? []
      const strays = (imports.get(file) ?? []).filter((one) => !isFile(one) && !isBuiltin(one) && !own.includes(one))
      return strays.map((stray) => `${file} imports ${stray}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('use every package that the product depends on', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>
    }
    expect(new Set([...imports.values()].flat().filter((one) => !isFile(one) && !isBuiltin(one)))).to.have.all.keys(
      ...Object.keys(dependencies),
    )
  })

  it('have no cycle, not even one of types', () => {
    expect(cycle()).to.equal(undefined)
  })

  it('keep src/core pure: no I/O, no clock, no randomness', () => {
    const core = house.filter((file) => floorOf(file) === 'src/core')
    // Bytes are no I/O; a thread's port is only named, as a type. Croner is given the time from which it counts. Of the network only
    // the reading of addresses may be used, and of the cryptography nothing that is random.
    const allowed = ['croner', 'node:buffer', 'node:crypto', 'node:net', 'node:worker_threads']
    expect(core.flatMap((file) => imports.get(file) ?? []).filter((one) => !isFile(one))).to.satisfy((all: string[]) =>
      all.every((one) => allowed.includes(one)),
    )
    const impure =
      /\b(?:process\.|Date\.now|Math\.random|performance\.|set(?:Timeout|Interval|Immediate)\(|random[A-Z]|\bconnect\(|create(?:Server|Connection)|Socket)/
    const code = (file: string): string => readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
    expect(core.filter((file) => impure.test(code(file)))).to.deep.equal([])
  })
})

describe('a file', () => {
  it(`has at most ${MAX_LINES} lines`, () => {
    const long = files.map((file) => [file, readFileSync(file, 'utf8').split('\n').length - 1] as const)
    expect(long.filter(([, lines]) => lines > MAX_LINES)).to.deep.equal([])
  })

  it('says in its name what it owns', () => {
    expect(files.filter((file) => BANNED.test(file.replace(/^workers\//, '')))).to.deep.equal([])
  })

  it('opens with one sentence that says what it owns', () => {
    const silent = house.filter((file) => !/^(#!.*\n)?\/\/ .+/.test(readFileSync(file, 'utf8')))
    expect(silent).to.deep.equal([])
  })
})
