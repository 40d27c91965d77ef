// What the URL of a service must be.

/** What a URL that breaks a rule should have been; undefined when it is fine. Variables are already put in. */
export function faultOfUrl(text: string): string | undefined {
  return RULES.find(([broken]) => broken(text))?.[1]
}

const WHOLE_URL = 'an absolute URL, such as http://billing.internal:8080/tasks/{action}'

/** The part between `//` and the path, as the URL standard cuts it: a backslash ends it too. */
const authorityOf = (text: string): string => /^[^:/?#\\]*:\/\/([^/?#\\]*)/.exec(text)?.[1] ?? ''

/** One row a rule, the first broken one is named. */
const RULES: readonly (readonly [broken: (text: string) => boolean, expected: string])[] = [
  [(text) => /[\s\\]/.test(text), 'a URL without spaces, line breaks and backslashes'],
  [(text) => !/^https?:\/\//i.test(text), 'a URL that begins with http:// or https://'],
  [(text) => authorityOf(text).includes('@'), 'a URL without user and password: put credentials into `headers`'],
  [(text) => text.includes('#'), 'a URL without a fragment: what follows # is never sent'],
  [(text) => authorityOf(text).includes('{action}'), '{action} in the path or the query only'],
  [(text) => /[{}]/.test(text.replaceAll('{action}', '')), 'no braces but those of {action}: write %7B and %7D'],
  [(text) => authorityOf(text) === '' || !URL.canParse(text.replaceAll('{action}', 'a')), WHOLE_URL],
]
