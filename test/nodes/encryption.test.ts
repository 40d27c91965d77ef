// A node and its keys of encryption: a faulty list starts nothing, and no key is ever shown.
import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { keyId } from '../../src/store/seal.ts'
import { createMigrated } from '../support/databases.ts'
import { NodeProcess } from '../support/node.ts'

const keys = [1, 2].map(() => randomBytes(32).toString('base64'))

describe('a node with ENCRYPTION_KEYS', () => {
  it('says at its start which keys it has, by their ids', async () => {
    const database = await createMigrated()
    const node = await NodeProcess.start({ DATABASE_URL: database.url, ENCRYPTION_KEYS: keys.join(',') })
    try {
      const line = await node.logged('what Postgres keeps of callers and services is encrypted')
      expect(line).to.deep.include({ event: 'encryption_on', keys: keys.map(keyId) })
      for (const key of keys) expect(JSON.stringify(node.lines) + node.stderr).not.to.include(key)
    } finally {
      await node.dispose()
      await database.drop()
    }
  })

  it('exits with 78 where they are faulty, and shows none', async () => {
    const node = await NodeProcess.spawn({ ENCRYPTION_KEYS: `${keys.join(',')},${keys[0]}` })
    try {
      expect(await node.exited).to.equal(78)
      expect(node.stderr).to.include('ENCRYPTION_KEYS').and.include('each one once').and.include('(hidden)')
      for (const key of keys) expect(node.stderr).not.to.include(key)
    } finally {
      await node.dispose()
    }
  })
})
