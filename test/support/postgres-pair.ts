// A primary of Postgres and its standby: real servers that are killed, frozen, cut off, promoted and started again.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EmbeddedPostgres } from '../../packages/embedded-postgres/src/index.ts'
import { endsWithUs } from './child.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { answers, ask, serverOf } from './postgres-files.ts'
import { TcpProxy } from './tcp-proxy.ts'

const STANDBY = 'standby'
/** A start on a busy machine, ms. */
const STARTED = 60_000

/** One server, on a port that stays. */
export class PostgresServer {
  readonly data: string
  readonly url: string
  readonly port: number
  readonly #program: string
  #child: ChildProcess | undefined

  constructor(data: string, url: string, program: string) {
    this.data = data
    this.url = url
    this.port = Number(new URL(url).port)
    this.#program = program
  }

  /** Starts it with settings, and waits until it answers. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const own = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '120', ...settings }
    const args = Object.entries(own).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const { uid, gid } = await stat(this.data)
    const place = { cwd: this.data, env: { LC_ALL: 'C', TZ: 'UTC' }, ...(process.getuid?.() === 0 ? { uid, gid } : {}) }
    const argv = ['-D', this.data, '-p', String(this.port), ...args]
    this.#child = endsWithUs(spawn(this.#program, argv, { ...place, stdio: 'ignore' }))
    await eventually(async () => expect(await answers(this.url), `${this.data} answers`).to.equal(true), STARTED)
  }

  /** From its next start on it is a standby. */
  async standsBy(): Promise<void> {
    const signal = join(this.data, 'standby.signal')
    await writeFile(signal, '')
    const { uid, gid } = await stat(this.data)
    await chown(signal, uid, gid)
  }

  /** Sends a signal to all of its processes. */
  signal(signal: NodeJS.Signals): void {
    const pid = String(this.#child?.pid)
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', pid], { encoding: 'utf8' }).split('\n').map(Number)
    for (const one of [Number(pid), ...children.filter((child) => child > 0)])
      try {
        process.kill(one, signal)
      } catch {
        // It has ended meanwhile.
      }
  }

  /** Kills all of its processes. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    this.signal('SIGKILL')
    await gone
  }

  ask(sql: string): Promise<unknown> {
    return ask(this.url, sql)
  }

  /** How many connections nodes use: a backend whose commit waits for its standby does not notice that nobody waits for the commit. */
  async used(): Promise<number> {
    const uses = `state = 'idle' or query_start > now() - interval '2 seconds'`
    return Number(
      await this.ask(`select count(*) from pg_stat_activity where application_name = 'task_api' and (${uses})`),
    )
  }
}

/** `a` is the primary, and `b` follows it over a link. */
export class PostgresPair {
  readonly a: PostgresServer
  readonly b: PostgresServer
  readonly #folder: string
  readonly #link: TcpProxy

  private constructor(a: PostgresServer, b: PostgresServer, folder: string, link: TcpProxy) {
    this.a = a
    this.b = b
    this.#folder = folder
    this.#link = link
  }

  /** `synchronous`: whether a commit waits for the standby. */
  static async open({ synchronous }: { readonly synchronous: boolean }): Promise<PostgresPair> {
    const folder = await mkdtemp(join(tmpdir(), 'task_api-pair-'))
    // Root's Postgres runs as nobody, who must reach it.
    await chmod(folder, 0o755)
    const first = new EmbeddedPostgres({ dataDir: join(folder, 'a') })
    await first.start()
    const { url } = first
    const pid = String(await serverOf(join(folder, 'a')))
    const [program = ''] = execFileSync('ps', ['-ww', '-o', 'args=', '-p', pid], { encoding: 'utf8' }).split(' -D ')
    await first.stop()
    execFileSync('cp', ['-Rp', join(folder, 'a'), join(folder, 'b')])
    const server = async (name: string): Promise<PostgresServer> => {
      const at = Object.assign(new URL(url), { port: String(await freePort()) })
      return new PostgresServer(join(folder, name, 'postgres/data'), at.href, program)
    }
    const [a, b] = [await server('a'), await server('b')]
    const link = new TcpProxy()
    await link.listen(a.port)
    const { username, password } = new URL(url)
    const follows = `host=127.0.0.1 port=${link.port} user=${username} password=${password} application_name=${STANDBY}`
    await appendFile(join(b.data, 'postgresql.auto.conf'), `primary_conninfo = '${follows}'\n`)
    await b.standsBy()
    await b.standsBy()
    const pair = new PostgresPair(a, b, folder, link)
    await a.start(synchronous ? { synchronous_standby_names: STANDBY } : {})
    await b.start()
    const sync = `select sync_state from pg_stat_replication where state = 'streaming'`
    await eventually(async () => expect(await a.ask(sync)).to.equal(synchronous ? 'sync' : 'async'), STARTED)
    return pair
  }

  /** A URL of both, the primary first. */
  get url(): string {
    return this.a.url.replace(`:${this.a.port}/`, `:${this.a.port},127.0.0.1:${this.b.port}/`)
  }

  /** What the primary commits from now on, the standby never has. */
  cut(): void {
    this.#link.silence()
  }

  /** Makes the standby the primary; resolves when it is. */
  async promote(): Promise<void> {
    await this.#link.close()
    expect(await this.b.ask('select pg_promote(true, 60)')).to.equal(true)
  }

  async close(): Promise<void> {
    await this.#link.close()
    await this.a.kill()
    await this.b.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
