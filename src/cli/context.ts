// What a command gets from the command line.
import type { Api } from './api.ts'
import type { CommandError, Exit } from './exits.ts'
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
  /** Writes an error to stderr in the same way. The command goes on. */
  fail(error: CommandError): void
  /** One line to a terminal, in place of the one before; nothing elsewhere. */
  progress(line: string): void
  /** All of stdin, however long it takes; `most`: bytes, by default those of a task. */
  input(most?: number): Promise<Buffer>
  /** What is piped into stdin although no argument asks for it; empty when there is nothing. */
  piped(): Promise<Buffer>
  wait(milliseconds: number): Promise<void>
}

/** What a command works with that asks no node: it is run by the program itself. */
export interface Here {
  readonly json: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  /** One line to stdout. */
  print(line: string): void
  /** Text to stderr. */
  tell(text: string): void
}

/** Runs such a command with its words. */
export type RunHere = (here: Here, ...words: string[]) => Promise<Exit>
