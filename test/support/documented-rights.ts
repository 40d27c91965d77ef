// The rights that docs/operations.md gives the users of a node at Redis and at its Sentinels.
import { readFileSync } from 'node:fs'

const OPERATIONS = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
const commandsOf = (line: RegExp): string[] => (line.exec(OPERATIONS)?.[0] ?? '').match(/[+-]\S+/g) ?? []

/** Its commands, as `+lpush`. */
export const DOCUMENTED = {
  redis: commandsOf(/^ACL SETUSER task_api .*~.*$/m),
  sentinel: commandsOf(/^ACL SETUSER task_api (?!.*~).*$/m),
}
