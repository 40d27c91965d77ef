// A PgBouncer of one's own in front of a Postgres: transactions share a few connections.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { endsWithUs } from './child.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { answers } from './postgres-files.ts'

/** Where Debian puts it, and what the PATH has. `PGBOUNCER` names another one. */
const PLACES = [process.env['PGBOUNCER'] ?? '', 'pgbouncer', '/usr/sbin/pgbouncer']
/** `nobody` of Debian: PgBouncer does not run as root. */
const NOBODY = 65_534
const CONNECTIONS = 5

/** Its program and version, as `1.18.0`; undefined: there is none. */
export function bouncerProgram(): { readonly program: string; readonly version: string } | undefined {
  for (const program of PLACES.filter((place) => place !== ''))
    try {
      const [, version = ''] =
        /PgBouncer ([\d.]+)/i.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? []
      return { program, version }
    } catch {
      // Not there.
    }
  return undefined
}

export class PgBouncer {
  readonly url: string
  readonly #folder: string
  readonly #program: string
  #child: ChildProcess | undefined

  private constructor(url: string, folder: string, program: string) {
    this.url = url
    this.#folder = folder
    this.#program = program
  }

  /** Starts one in front of the Postgres of a URL. */
  static async open(url: string, program: string): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'task_api-bouncer-'))
    await chmod(folder, 0o755)
    const { username, password, port } = new URL(url)
    const own = Object.assign(new URL(url), { port: String(await freePort()) })
    await writeFile(join(folder, 'users'), `"${username}" "${password}"\n`)
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: own.port,
      unix_socket_dir: '',
      auth_type: 'plain',
      auth_file: join(folder, 'users'),
      pool_mode: 'transaction',
      default_pool_size: CONNECTIONS,
      // The next transaction never has the session of the last one, where there are several.
      server_round_robin: 1,
      max_client_conn: 500,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    const databases = `[databases]\n* = host=127.0.0.1 port=${port}\n`
    await writeFile(join(folder, 'ini'), `${databases}[pgbouncer]\n${lines.join('\n')}\n`)
    const bouncer = new PgBouncer(own.href, folder, program)
    await bouncer.start()
    return bouncer
  }

  async start(): Promise<void> {
    const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    this.#child = endsWithUs(spawn(this.#program, ['-q', join(this.#folder, 'ini')], { ...account, stdio: 'ignore' }))
    await eventually(async () => expect(await answers(this.url)).to.equal(true))
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async close(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
