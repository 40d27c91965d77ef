import { expect } from 'chai'
import { setImmediate as turn } from 'node:timers/promises'
import { Turns } from '../../../src/store/turns.ts'

describe('turns', () => {
  /** Runs what `go` ends. */
  const open = (): { body: () => Promise<string>; go: () => void } => {
    let go = (): void => {}
    const opened = new Promise<string>((resolve) => (go = () => resolve('done')))
    return { body: () => opened, go }
  }

  it('come one after the other for one name, and at once for others', async () => {
    const turns = new Turns()
    const [first, second] = [open(), open()]
    const begun: string[] = []
    const run = (name: string, { body }: ReturnType<typeof open>, what: string): Promise<string | undefined> =>
      turns.run(name, 60_000, () => {
        begun.push(what)
        return body()
      })
    const all = [run('a', first, 'first of a'), run('a', second, 'second of a'), run('b', second, 'first of b')]
    await turn()
    expect(begun).to.deep.equal(['first of a', 'first of b'])
    first.go()
    await all[0]
    await turn()
    expect(begun).to.deep.equal(['first of a', 'first of b', 'second of a'])
    second.go()
    expect(await Promise.all(all)).to.deep.equal(['done', 'done', 'done'])
  })

  it('do not come for who has waited too long, nor before those that are still under way', async () => {
    const turns = new Turns()
    const first = open()
    const under = turns.run('a', 60_000, first.body)
    expect(await turns.run('a', 1, async () => 'never')).to.equal(undefined)
    let came = false
    const third = turns.run('a', 60_000, async () => (came = true))
    await turn()
    expect(came).to.equal(false)
    first.go()
    expect([await under, await third]).to.deep.equal(['done', true])
  })

  it('come after one that has failed', async () => {
    const turns = new Turns()
    const failed = turns.run('a', 60_000, () => Promise.reject(new Error('no')))
    const next = turns.run('a', 60_000, async () => 'next')
    expect(await failed.catch(({ message }: Error) => message)).to.equal('no')
    expect(await next).to.equal('next')
  })
})
