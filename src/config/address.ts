// The rules for the URL of a service.
import { isHostOfUrl } from './rules.ts'

/** What was expected of a URL that breaks a rule; undefined when the URL is valid. Variables are already replaced. */
export function faultOfUrl(text: string): string | undefined {
  return RULES.find(([broken]) => broken(text))?.[1]
}

const WHOLE_URL = 'an absolute URL, such as http://billing.internal:8080/tasks/{action}'

/** The part between `//` and the path. By the URL standard a backslash ends it too. */
const authorityOf = (text: string): string => /^[^:/?#\\]*:\/\/([^/?#\\]*)/.exec(text)?.[1] ?? ''

const withAction = (text: string): string => text.replaceAll('{action}', 'a')

/** One row for each rule. The first broken rule is reported. */
const RULES: readonly (readonly [broken: (text: string) => boolean, expected: string])[] = [
  [
    (text) => /[\s\\\p{Cc}]/u.test(text),
    'a URL without spaces, line breaks and backslashes, and without control characters',
  ],
  [(text) => !/^https?:\/\//i.test(text), 'a URL that begins with http:// or https://'],
  [(text) => authorityOf(text).includes('@'), 'a URL without user and password: put credentials into `headers`'],
  [(text) => text.includes('#'), 'a URL without a fragment: what follows # is never sent'],
  [(text) => authorityOf(text).includes('{action}'), '{action} in the path or the query only'],
  [(text) => /[{}]/.test(text.replaceAll('{action}', '')), 'no braces but those of {action}: write %7B and %7D'],
  [(text) => authorityOf(text) === '' || !URL.canParse(withAction(text)), WHOLE_URL],
  [(text) => !isHostOfUrl(new URL(withAction(text)).hostname), 'a URL with one host name or IP address'],
  [(text) => new URL(withAction(text)).port === '0', 'a port from 1 to 65535'],
  [(text) => /%(?![0-9A-F]{2})/i.test(text), 'a URL in which % is written %25'],
]
