// What every command gets.
import type { Api } from './api.ts'
import type { CommandError } from './exits.ts'
import type { Values } from './options.ts'

/** What a command works with. */
export interface Context {
  readonly api: Api
  readonly json: boolean
  readonly values: Values
  /** One line to stdout. */
  print(line: string): void
  /** One line to stderr; JSON where that is wanted. */
  warn(line: string): void
  /** An error to stderr, likewise, when the command goes on after it. */
  fail(error: CommandError): void
  /** All of stdin, however long it takes. */
  input(): Promise<Buffer>
  /** What is piped in without being asked for; empty when there is nothing. */
  piped(): Promise<Buffer>
  wait(milliseconds: number): Promise<void>
}
