// For knex's own command line (`npm run migrate`); a node migrates by itself when it starts.
import type { Knex } from 'knex'
import { migrationsOf } from './src/store/migrate.ts'
import { Servers } from './src/store/servers.ts'

const url = process.env.DATABASE_URL ?? 'postgres://localhost/task_api'
const servers = new Servers(url)

const config = async (): Promise<Knex.Config> => ({
  client: 'pg',
  connection: async () => ({ connectionString: await servers.find() }),
  migrations: await migrationsOf(url),
})

export default config
