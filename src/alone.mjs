// A lock for what only one process may do at a time, for example compiling: a folder. Plain JavaScript, as src/setup.mjs is.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * One at a time: the folder is the lock, and its owner touches it every second. A lock is stale when its owner has gone, or when
 * it has not been touched while somebody watched it for ten seconds.
 */
export async function alone(lock, step) {
  const seen = { touched: 0, since: 0 }
  while (!takeLock(lock)) {
    const touched = touchedAt(lock)
    if (touched !== seen.touched) Object.assign(seen, { touched, since: process.uptime() })
    if (touched && (ownerIsGone(lock) || process.uptime() - seen.since > 10)) breakLock(lock, touched)
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const touching = setInterval(() => touchLock(lock), 1000)
  const free = () => freeLock(lock)
  process.once('exit', free)
  const stop = (signal) => process.exit(128 + os.constants.signals[signal])
  for (const signal of SIGNALS) process.once(signal, stop)
  try {
    await step()
  } finally {
    clearInterval(touching)
    // This process may go on as a node, which stops in its own way.
    for (const signal of SIGNALS) process.off(signal, stop)
    process.off('exit', free)
    free()
  }
}

function touchLock(lock) {
  try {
    fs.utimesSync(lock, new Date(), new Date())
  } catch {
    // This process was frozen for so long that another broke its lock.
  }
}

function freeLock(lock) {
  fs.rmSync(lock, { recursive: true, force: true })
}

function takeLock(lock) {
  try {
    fs.mkdirSync(lock)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  fs.writeFileSync(path.join(lock, 'owner'), `${os.hostname()} ${process.pid}`)
  return true
}

/** When the lock was touched last; 0: there is none. */
function touchedAt(folder) {
  try {
    return fs.statSync(folder).mtimeMs
  } catch {
    return 0
  }
}

function ownerIsGone(lock) {
  try {
    const [host, pid] = fs.readFileSync(path.join(lock, 'owner'), 'utf8').split(' ')
    if (host !== os.hostname() || !Number(pid)) return false
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Moves a stale lock away. If another has just done so and locked anew, its lock is put back. */
function breakLock(lock, touched) {
  const away = `${lock}-${process.pid}`
  try {
    fs.renameSync(lock, away)
    if (touchedAt(away) === touched) fs.rmSync(away, { recursive: true, force: true })
    else fs.renameSync(away, lock)
  } catch {
    // Its owner has freed it meanwhile.
  }
}
