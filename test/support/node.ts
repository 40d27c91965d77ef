// A whole node as a child process: started by its real command, killed by real signals.
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from './child.ts'

/** What was compiled of this tree. */
export const DIST = new URL('../../', import.meta.url)

/** A line of the log. */
export interface Line {
  readonly level: number
  readonly msg: string
  readonly [key: string]: unknown
}

/** A running node process. */
export class NodeProcess {
  readonly lines: Line[] = []
  #stderr = ''
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #exited: Promise<number | string>

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    this.#exited = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? '')
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (text) => {
        this.lines.push(JSON.parse(text) as Line)
        this.#events.emit('line')
      })
    child.on('exit', () => this.#events.emit('line'))
  }

  /** What the log says went wrong. A start that takes longer than 3 s says so, which on a busy machine it may. */
  get errors(): Line[] {
    return this.lines.filter(({ level, event }) => level >= 50 && event !== 'postgres_awaited')
  }

  /**
   * Starts a node in a folder of its own. `services`: what task_api.yaml says (JSON is YAML); without it the demo is served.
   * `files`: the most descriptors that it may have open. `dist`: what was compiled of the release that it is.
   */
  static async spawn(
    env: Readonly<Record<string, string>>,
    services?: Readonly<Record<string, unknown>>,
    { files, dist = DIST }: { readonly files?: number | undefined; readonly dist?: URL } = {},
  ): Promise<NodeProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'task_api-node-'))
    if (services) await writeFile(join(folder, 'task_api.yaml'), JSON.stringify({ services }))
    const { PATH = '', HOME = '' } = process.env
    const command = [process.execPath, fileURLToPath(new URL('src/bin.js', dist)), 'start']
    const limited = files === undefined ? command : ['sh', '-c', 'ulimit -n "$0"; exec "$@"', String(files), ...command]
    const child = spawn(limited[0] ?? '', limited.slice(1), {
      cwd: folder,
      env: { PATH, HOME, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new NodeProcess(endsWithUs(child), folder)
  }

  /** Starts a node and waits until it listens. */
  static async start(
    env: Readonly<Record<string, string>>,
    services?: Readonly<Record<string, unknown>>,
  ): Promise<NodeProcess> {
    const node = await NodeProcess.spawn(env, services)
    await node.logged('listening')
    return node
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Where the API listens. */
  get url(): string {
    return String(this.lines.find(({ msg }) => msg === 'listening')?.url)
  }

  /** The exit code, or the name of the signal that ended it. */
  get exited(): Promise<number | string> {
    return this.#exited
  }

  /** Waits for a line of the log, the one after the first `skip` of its kind. */
  async logged(msg: string, ms = 60_000, skip = 0): Promise<Line> {
    const signal = AbortSignal.timeout(ms)
    for (;;) {
      const line = this.lines.filter((one) => one.msg === msg)[skip]
      if (line) return line
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(
          `the node ended before it logged "${msg}": ${this.#stderr}${JSON.stringify(this.lines.slice(-3))}`,
        )
      await once(this.#events, 'line', { signal })
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills what still runs and removes its folder. */
  async dispose(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#exited
    await rm(this.#folder, { recursive: true, force: true })
  }
}
