// What an error of Redis is called in the log: its own words without the password, and what they mean where that is not plain.

const ONE_REDIS = 'REDIS_URL must name one Redis, or a proxy or a DNS name that leads to the primary'

/** What answers of servers mean that are no Redis of their own. */
const MEANINGS: readonly (readonly [words: RegExp, meaning: string])[] = [
  [/^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/, `this is a Redis Cluster, which is not supported: ${ONE_REDIS}`],
  [/unknown command [`'"]?lpush/i, `this is a Redis Sentinel, or no Redis: ${ONE_REDIS}`],
]

/** What an error says, in a form for the log: short, and without the password of the URL. */
export function reasonOf(error: unknown, url: string): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  const clean = secretsOf(url)
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
    .slice(0, 200)
  const meaning = MEANINGS.find(([words]) => words.test(text))?.[1]
  return meaning === undefined ? clean : `${clean} (${meaning})`
}

function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return []
  const { password } = new URL(url)
  return [password, decoded(password)].filter((secret) => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
