// This package as npm installs it elsewhere, without a copy of what is compiled and of the packages that it needs: those are links.
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../..', import.meta.url))
const ROOT = dirname(DIST)

/** Makes a folder with `node_modules/task_api` and its command in `node_modules/.bin`. Whoever calls it removes it. */
export async function installed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'task_api-installed-'))
  const home = join(folder, 'node_modules/task_api')
  await mkdir(join(home, 'src'), { recursive: true })
  await mkdir(join(folder, 'node_modules/.bin'))
  await copyFile(join(ROOT, 'package.json'), join(home, 'package.json'))
  for (const name of await readdir(join(ROOT, 'src')))
    if (name.endsWith('.mjs')) await copyFile(join(ROOT, 'src', name), join(home, 'src', name))
  await symlink(DIST, join(home, 'dist'))
  const { bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { bin: { task_api: string } }
  await chmod(join(home, bin.task_api), 0o755)
  await symlink(join('..', 'task_api', bin.task_api), join(folder, 'node_modules/.bin/task_api'))
  return folder
}
