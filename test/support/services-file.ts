// A services file in a folder of its own, which a test writes as editors and Kubernetes do.
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type FileOfServices = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export class ServicesFile implements AsyncDisposable {
  readonly path: string
  readonly #folder: string
  #count = 0

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'task_api.yaml')
  }

  static async create(services: FileOfServices): Promise<ServicesFile> {
    const file = new ServicesFile(await mkdtemp(join(tmpdir(), 'task_api-services-')))
    await file.write(services)
    return file
  }

  /** Writes in place. A text is written as it is. */
  async write(services: FileOfServices | string): Promise<void> {
    await writeFile(this.path, textOf(services))
  }

  /** Writes another file and gives it the name, as editors do. */
  async replace(services: FileOfServices): Promise<void> {
    const other = `${this.path}.new`
    await writeFile(other, textOf(services))
    await rename(other, this.path)
  }

  /** Writes a folder beside, and swaps the link `..data` to it, through which the name leads: as Kubernetes does. */
  async swap(services: FileOfServices): Promise<void> {
    const version = `..v${++this.#count}`
    await mkdir(join(this.#folder, version))
    await writeFile(join(this.#folder, version, 'task_api.yaml'), textOf(services))
    await this.#link(version, '..data')
    if (this.#count === 1) await this.#link('..data/task_api.yaml', 'task_api.yaml')
  }

  /** Takes the name away, and gives it back when the function has ended. */
  async without(meanwhile: () => Promise<void>): Promise<void> {
    const away = `${this.path}.away`
    await rename(this.path, away)
    await meanwhile()
    await rename(away, this.path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true })
  }

  async #link(to: string, name: string): Promise<void> {
    const made = join(this.#folder, `${name}.link`)
    await symlink(to, made)
    await rename(made, join(this.#folder, name))
  }
}

/** JSON is YAML. */
const textOf = (services: FileOfServices | string): string =>
  typeof services === 'string' ? services : JSON.stringify({ services })
