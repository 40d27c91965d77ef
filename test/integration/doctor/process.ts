// The command `doctor` as a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../../../src/doctor/finding.ts'
import { endsWithUs } from '../../support/child.ts'

const BIN = fileURLToPath(new URL('../../../src/bin.js', import.meta.url))

/** Runs the command line in a folder, with nothing in its environment but `env`. `shell`: what starts it, as `exec "$@"`. */
export async function commandLine(
  folder: string,
  env: Readonly<Record<string, string>>,
  words: readonly string[],
  shell = 'exec "$@"',
): Promise<{ code: number; out: string; err: string }> {
  const { PATH = '' } = process.env
  const argv = ['-c', shell, 'sh', process.execPath, BIN, ...words]
  const child = endsWithUs(spawn('sh', argv, { cwd: folder, env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'exit')) as [number]
  const [out, err] = await said
  return { code, out, err }
}

/** Runs `doctor --json`. */
export async function doctorProcess(
  folder: string,
  env: Readonly<Record<string, string>>,
  shell?: string,
): Promise<{ code: number; found: Finding[] }> {
  const { code, out, err } = await commandLine(folder, env, ['doctor', '--json'], shell)
  if (err !== '') throw new Error(err)
  return { code, found: JSON.parse(out) as Finding[] }
}
