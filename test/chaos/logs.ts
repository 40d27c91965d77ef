// The logs of a run's nodes, for whoever looks for the reason of a breach.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Rig } from './rig.ts'

/** Writes what the nodes have logged to files; their folder. */
export async function keepLogs({ setup, members }: Rig): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `task_api-breach-${setup.seed}-`))
  for (const { name, lives } of members) {
    const lines = lives.flatMap((life) => [
      `${life.pid}`,
      ...life.lines.map((line) => JSON.stringify(line)),
      life.stderr,
    ])
    await writeFile(join(folder, `${name}.log`), lines.join('\n'))
  }
  return folder
}
