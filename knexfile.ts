// For knex's own command line (`npm run migrate`); a node migrates by itself when it starts.
import type { Knex } from 'knex'
import { migrations } from './src/store/migrate.ts'
import { Servers } from './src/store/servers.ts'

const servers = new Servers(process.env.DATABASE_URL ?? 'postgres://localhost/task_api')

const config: Knex.Config = {
  client: 'pg',
  connection: async () => ({ connectionString: await servers.find() }),
  migrations,
}

export default config
