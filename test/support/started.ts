// A node that is started by any command line, as a person or a supervisor would, and what it says.
import { expect } from 'chai'
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { endsWithUs } from './child.ts'
import { eventually } from './eventually.ts'

/** A command line, and the folder it is given in. */
export interface Way {
  readonly argv: readonly string[]
  readonly cwd: string
}

/** The environment without what the npm that runs the tests has put into it. */
export const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))

/** A node that was started in some way. */
export class Started {
  readonly child: ChildProcess
  readonly #said: string[] = []

  constructor({ argv, cwd }: Way, env: NodeJS.ProcessEnv, options: SpawnOptions = {}) {
    const [program = '', ...args] = argv
    this.child = endsWithUs(spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...options }))
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#said.push(chunk.toString()))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get said(): string {
    return this.#said.join('')
  }

  /** Where its API listens, as its log says on a terminal or elsewhere. */
  async url(): Promise<string> {
    return eventually(() => {
      const [, url] = /url"?[=:]"?(http:[/\d.:]+\d)/.exec(this.said) ?? []
      expect(url, this.said).to.be.a('string')
      return url ?? ''
    }, 60_000)
  }
}
