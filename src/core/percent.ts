// Percent-encoding, as URLs have it.

/** Whether the percent-encoding of a text is valid and stands for UTF-8. */
export function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
