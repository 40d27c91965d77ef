import { expect } from 'chai'
import type { RunningTask } from '../../../src/supervisor/running.ts'
import { Notices } from '../../../src/supervisor/notices.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { aTask, runningOf } from './build.ts'

describe('a notice that proves true', () => {
  it('holds also for a claim that is in flight when Postgres says so: it may have been applied before', async () => {
    const running = runningOf({ billing: 10 })
    const task = aTask()
    running.add(task)
    const stopped = new Promise<RunningTask>((resolve) => {
      const standing = async (): Promise<[]> => {
        running.sent(9)
        return []
      }
      const notices = new Notices({
        store: { standing },
        running,
        trust: { epoch: 1 },
        dispatch: {
          stop: (one) => {
            notices.end()
            resolve(one)
          },
          confirm: () => {},
        },
        log: silentLog(),
      })
      notices.heard(task.id)
    })
    expect(await stopped).to.equal(task)
    const { cancelled } = running.arrived(9)
    expect([cancelled(task.id), cancelled('2')]).to.deep.equal([true, false])
  })
})
