// The bench's own packages: the peers, and a Node 22 for those that need one. Installed once, when they are missing.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the peers are, with their own packages: the sources' folder. */
export const HERE = fileURLToPath(new URL('../../bench/', import.meta.url))

/** Installs what the lockfile says, unless it is there. */
export function installPeers(): void {
  if (existsSync(`${HERE}node_modules/.package-lock.json`)) return
  process.stdout.write('Installing the peers (once) …\n')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: HERE,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the peers could not be installed')
}

/** The version of one of them. */
export const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(`${HERE}node_modules/${name}/package.json`, 'utf8')) as { version: string }).version

/** The program of the Node 22 that comes with them: pg-boss and graphile-worker take nothing older. */
export function newerNode(): string {
  const [major = 0] = process.versions.node.split('.').map(Number)
  const program = `${HERE}node_modules/node-${process.platform}-${process.arch}/bin/node`
  if (major >= 22 || !existsSync(program)) return process.execPath
  return program
}
