// Makes folders, with errors that name the reason.
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errno } from './failure.ts'

/** Makes a folder and the folders above. Unlike `mkdir` with `recursive`, which throws ENOENT for everything, the error says why. */
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
