// The release before, as a fixture: its tree from git, with packages of its own, compiled once into node_modules/.cache.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The commit that was released: the last one that says what changed in 0.2.0, before the first change that CHANGELOG calls unreleased. */
export const BEFORE = { version: '0.2.0', commit: '7fe5089053ef7096c4e27aefe064b2dc54dcc2ac' } as const

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FOLDER = `${ROOT}node_modules/.cache/release-${BEFORE.version}`
/** Both hold the whole tree of a release in memory, bytes. */
const MOST_BYTES = 2 ** 28

/** Makes the release before, if that was not done yet; what was compiled of it. Needs git, and npm's registry or its cache. */
export function releaseBefore(log: (text: string) => void): URL {
  const dist = new URL(`file://${FOLDER}/dist/`)
  // The build puts the folder there when it is whole.
  if (existsSync(new URL('src/bin.js', dist))) return dist
  log(`makes ${BEFORE.version} of ${BEFORE.commit}`)
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const input = execFileSync('git', ['archive', BEFORE.commit], { cwd: ROOT, maxBuffer: MOST_BYTES })
  execFileSync('tar', ['-x', '-C', FOLDER], { input })
  const npm = (...args: string[]): unknown =>
    execFileSync('npm', ['--prefix', FOLDER, ...args], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] })
  npm('ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error')
  npm('run', '--silent', 'build')
  return dist
}
