// A folder that is there afterwards, or the reason why it cannot be.
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errno } from './failure.ts'

/** Makes a folder and those above it. `mkdir` with `recursive` says ENOENT of whatever it cannot make; this says why. */
export async function makeFolder(path: string, hasParent = false): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (errno(error) === 'ENOENT' && !hasParent && dirname(path) !== path) {
      await makeFolder(dirname(path))
      return makeFolder(path, true)
    }
    if (errno(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
  }
}
