// A mutation: what is broken, where, and which test is to notice first.

/** One piece of compiled code, and what is put in its place. */
export interface Edit {
  /** Below `dist/src`. */
  readonly file: string
  /** Occurs exactly once. */
  readonly from: string
  readonly to: string
}

export interface Mutation {
  readonly name: string
  /** What is no longer there. */
  readonly breaks: string
  readonly edits: readonly Edit[]
  /** Below `dist/test`, without the ending: what is run first. */
  readonly first: readonly string[]
}

/** A mutation of one piece of one file. */
export const one = (
  name: string,
  breaks: string,
  file: string,
  from: string,
  to: string,
  ...first: string[]
): Mutation => ({
  name,
  breaks,
  edits: [{ file, from, to }],
  first,
})
