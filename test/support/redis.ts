// A real Redis for tests: started on a free port with nothing stored, killed by real signals.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endsWithUs } from './child.ts'
import { freePort } from './free-port.ts'
import { redisProgram } from './redis-program.ts'

export interface TestRedis {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
  /** Sends a signal; with one that ends the server, the same as `stop`. */
  kill(signal: NodeJS.Signals): Promise<void>
}

export interface RedisOptions {
  /** Default: a free one. */
  readonly port?: number
  /** More of the command line, for example `['--requirepass', 'secret']`. */
  readonly args?: readonly string[]
  /** Where its certificate, its key and its CA are: it speaks TLS, and nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
  /** What the file of a Sentinel says: a Sentinel is started. */
  readonly sentinel?: string
}

/** Nothing is stored. */
const OWN = ['--save', '', '--appendonly', 'no']
const PORT_TRIES = 5
const PAUSES: readonly string[] = ['SIGSTOP', 'SIGCONT']

/** Starts a Redis and waits until it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const program = await redisProgram()
  const folder = await mkdtemp(join(tmpdir(), 'task_api-redis-'))
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort())
    const file = join(folder, 'sentinel.conf')
    if (options.sentinel !== undefined) await writeFile(file, options.sentinel)
    const args = options.sentinel === undefined ? OWN : [file, '--sentinel']
    const more = [...(options.args ?? []), ...portArgs(port, options)]
    const server = new Server(program.path, program.env, folder, port, [...args, ...more])
    const failure = await server.ready()
    if (failure === undefined) return server
    await server.stop()
    // Another program may have taken the port in between.
    if (options.port !== undefined || tries === PORT_TRIES || !/in use/.test(failure)) throw new Error(failure)
  }
}

function portArgs(port: number, { tls }: RedisOptions): string[] {
  if (!tls) return ['--port', String(port)]
  const files = ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.ca]
  const ways = ['--tls-auth-clients', 'no', '--tls-replication', 'yes']
  return ['--port', '0', '--tls-port', String(port), ...files, ...ways]
}

class Server implements TestRedis {
  readonly port: number
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(program: string, env: NodeJS.ProcessEnv, folder: string, port: number, args: readonly string[]) {
    this.port = port
    this.#folder = folder
    const own = ['--bind', '127.0.0.1', '--dir', folder]
    this.#child = endsWithUs(spawn(program, [...args, ...own], { env, stdio: ['ignore', 'pipe', 'pipe'] }))
    const say = (bytes: Buffer): string => (this.#said = (this.#said + bytes.toString()).slice(-8_192))
    this.#child.stdout?.on('data', say)
    this.#child.stderr?.on('data', say)
    this.#ended = once(this.#child, 'exit').catch((error: unknown) => (this.#said += String(error)))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Undefined once it listens; else why it does not. */
  async ready(): Promise<string | undefined> {
    const ended = this.#ended.then(() => 'ended')
    // Nothing is awaited between the look and the listening, so what it says in between is not missed.
    while (!/Ready to accept connections|Sentinel ID is/.test(this.#said)) {
      const next = new Promise((said) => this.#child.stdout?.once('data', said))
      if ((await Promise.race([ended, next])) === 'ended') return `Redis did not start:\n${this.#said}`
    }
    return (await connects(this.port)) ? undefined : `Redis does not listen on ${this.port}:\n${this.#said}`
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal)
    if (PAUSES.includes(signal)) return
    await this.#ended
    await rm(this.#folder, { recursive: true, force: true })
  }

  stop(): Promise<void> {
    return this.kill('SIGKILL')
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const connection = connect(port, '127.0.0.1', () => {
      connection.destroy()
      answer(true)
    })
    connection.once('error', () => answer(false))
  })
}
