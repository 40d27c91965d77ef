// Times as callers write them: RFC 3339 with an offset.
/** The form of such a time. That its month has the day, and its day the hour, is checked beside. */
export const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** Milliseconds since 1970; undefined where a text is no time, or names a day that its month does not have. */
export function timeOf(text: string): number | undefined {
  const [, year, month, day] = RFC_3339.exec(text) ?? []
  const noon = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), 12))
  if (noon.getUTCDate() !== Number(day) || noon.getUTCMonth() !== Number(month) - 1) return undefined
  // JavaScript knows no leap second.
  const at = Date.parse(text.replace(' ', 'T').replace(/(T\d\d:\d\d:)60/i, '$159'))
  return Number.isNaN(at) ? undefined : at
}
