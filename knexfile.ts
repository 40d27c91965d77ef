// For knex's own command line (`npm run migrate`); a node migrates by itself when it starts.
import type { Knex } from 'knex'
import { migrations } from './src/store/migrate.ts'

const config: Knex.Config = {
  client: 'pg',
  connection: process.env.DATABASE_URL ?? 'postgres://localhost/task_api',
  migrations,
}

export default config
