import { expect } from 'chai'
import { Redis } from 'ioredis'
import { redisAddressOf } from '../../../src/core/redis-address.ts'
import { faultsOf, read } from './reading.ts'

/** A URL, and what its client must make of it: host, port, user, password, database. */
const GOOD: readonly (readonly [url: string, ...parts: unknown[]])[] = [
  ['redis://cache', 'cache', 6379, undefined, undefined, 0],
  ['redis://cache:', 'cache', 6379, undefined, undefined, 0],
  ['redis://cache.', 'cache.', 6379, undefined, undefined, 0],
  ['redis://:[secret@cache', 'cache', 6379, '', '[secret', 0],
  ['redis://cache/', 'cache', 6379, undefined, undefined, 0],
  ['redis://cache:6380/15', 'cache', 6380, undefined, undefined, 15],
  ['REDISS://cache.example.com:6380/1', 'cache.example.com', 6380, undefined, undefined, 1],
  ['redis://:secret@cache', 'cache', 6379, '', 'secret', 0],
  ['redis://:@cache', 'cache', 6379, undefined, undefined, 0],
  ['redis://user@cache', 'cache', 6379, 'user', '', 0],
  ['redis://us%3Aer:p%40s%2Fs%25@cache/3', 'cache', 6379, 'us:er', 'p@s/s%', 3],
  ['redis://:p@ss,word@cache', 'cache', 6379, '', 'p@ss,word', 0],
  ['redis://10.0.0.7:1', '10.0.0.7', 1, undefined, undefined, 0],
  ['redis://[::1]:65535/0', '::1', 65535, undefined, undefined, 0],
]

/** A URL of several servers, the URLs of those that are asked, and that of a Redis which they have named. */
const SEVERAL: readonly (readonly [url: string, asked: readonly string[], named: string])[] = [
  ['redis+sentinel://a/mymaster', ['redis://a:26379'], 'redis://h:7/'],
  [
    'redis+sentinel://us%3Aer:p%40ss@a:1,[::1],10.0.0.7:/my.master-1/3',
    ['redis://a:1', 'redis://[::1]:26379', 'redis://10.0.0.7:26379'],
    'redis://us%3Aer:p%40ss@h:7/3',
  ],
  [
    'REDISS+Sentinel://:p@ss,word@a,b/mymaster?sentinelUsername=s&sentinelPassword=a%2Fb+c=',
    ['rediss://s:a%2Fb%2Bc%3D@a:26379', 'rediss://s:a%2Fb%2Bc%3D@b:26379'],
    'rediss://:p@ss,word@h:7/',
  ],
  ['redis+sentinel://a/m?sentinelPassword=x', ['redis://:x@a:26379'], 'redis://h:7/'],
  ['redis+cluster://a', ['redis://a/'], 'redis://h:7/'],
  ['rediss+cluster://u:p@a:1,b/0', ['rediss://u:p@a:1/', 'rediss://u:p@b/'], 'rediss://u:p@h:7/'],
]

/** A URL that is refused, and what the fault says of it. */
const BAD: readonly (readonly [url: string, said: RegExp])[] = [
  ['cache:6379', /begins with redis:\/\/ or rediss:\/\/, redis\+sentinel:\/\/ or redis\+cluster:\/\//],
  ['secret', /begins with/],
  ['//cache', /begins with/],
  ['/var/run/redis.sock', /begins with/],
  ['unix:///var/run/redis.sock', /begins with/],
  ['redis:cache', /begins with/],
  ['http://cache', /begins with/],
  ['redis-sentinel://a:26379/mymaster', /the Sentinels.*redis\+sentinel:/],
  ['sentinel://a', /the Sentinels.*redis\+sentinel:/],
  ['redis-cluster://a:6379', /nodes of the Cluster.*redis\+cluster:/],
  ['redis://a:6379,b:6379', /several hosts are.*redis\+sentinel:.*redis\+cluster:/],
  ['redis://:secret@a,b/0', /several hosts are/],
  ['redis://a,redis://b', /several hosts are/],
  ['redis+sentinel://a', /name of the primary/],
  ['redis+sentinel://a:26379,b:26379/', /name of the primary/],
  ['redis+sentinel://a:26379/my%20master', /letters, digits, dots/],
  ['redis+sentinel://a:26379/mymaster/x', /the number of a database/],
  ['redis+sentinel://a:26379/mymaster/0/1', /the number of a database/],
  ['redis+sentinel://a,,b/mymaster', /with a host name/],
  ['redis+sentinel:///mymaster', /with a host name/],
  ['redis+sentinel://a:0/mymaster', /a port from 1/],
  ['redis+sentinel://a,b:65536/mymaster', /absolute/],
  ['redis+sentinel://a,b c/mymaster', /without spaces/],
  ['redis+sentinel://:100%@a/mymaster', /% is written %25/],
  ['redis+sentinel://a/mymaster?password=secret', /sentinelUsername and sentinelPassword/],
  ['redis+sentinel://a/mymaster?sentinelPassword=secret&sentinelPassword=x', /each once/],
  ['redis+sentinel://a/mymaster?sentinelPassword=100%', /percent-encoded/],
  ['redis+sentinel://a/mymaster?', /sentinelUsername and sentinelPassword/],
  ['redis+sentinel://a/mymaster#1', /without a fragment/],
  ['redis+cluster://', /with a host name/],
  ['redis+cluster://a,b/1', /only the database 0/],
  ['redis+cluster://a,b/mymaster', /only the database 0/],
  ['redis+cluster://a?sentinelPassword=secret', /without a query/],
  ['redis+cluster://:sec/ret@a', /only the database 0|%2F/],
  ['rediss+cluster://a,b:port', /absolute/],
  ['redis://a redis://b', /without spaces/],
  ['redis://cache\n', /without spaces/],
  ['redis://cache\0', /control characters/],
  ['redis:\\\\cache', /backslashes/],
  ['redis://', /with a host name/],
  ['redis:///', /with a host name/],
  ['redis:///0', /with a host name/],
  ['redis:///var/run/redis.sock', /with a host name/],
  ['redis://:secret@/0', /host|absolute/],
  ['redis://:6379', /absolute/],
  ['redis://cache:0', /a port from 1/],
  ['redis://cache:-1', /absolute/],
  ['redis://cache:65536', /absolute/],
  ['redis://cache:port', /absolute/],
  ['redis://ca%20che', /with a host name/],
  ['redis://ca%6', /with a host name/],
  ['redis://café', /with a host name/],
  ['redis://256.0.0.1', /with a host name/],
  ['redis://::1', /absolute/],
  ['redis://[::1', /absolute/],
  ['redis://[fe80::zz]', /absolute/],
  ['redis://cache/-1', /the number of a database/],
  ['redis://cache/cache', /the number of a database/],
  ['redis://cache/1.5', /the number of a database/],
  ['redis://cache/01', /the number of a database/],
  ['redis://cache/1e1', /the number of a database/],
  ['redis://cache/1/2', /the number of a database/],
  ['redis://cache//', /the number of a database/],
  ['redis://cache/%31', /the number of a database/],
  ['redis://cache/12345678901', /the number of a database/],
  ['redis://cache?db=3', /without a query.*%3F/],
  ['redis://cache/0?enableOfflineQueue=true', /without a query/],
  ['redis://cache?', /without a query/],
  ['redis://:pa?ss@cache', /without a query.*%3F/],
  ['redis://cache#1', /without a fragment.*%23/],
  ['redis://:pa#ss@cache', /without a fragment.*%23/],
  ['redis://:100%@cache', /percent-encoded: % is written %25/],
  ['redis://us%er:secret@cache', /% is written %25/],
  ['redis://:%ff@cache', /% is written %25/],
  ['redis://:sec/ret@cache', /absolute.*%2F/],
]

describe('REDIS_URL', () => {
  for (const [url, ...parts] of GOOD)
    it(`may be ${url}, and its client reads the same`, () => {
      const { redisUrl: text = '' } = read({}, { REDIS_URL: url })
      const client = new Redis(text, { lazyConnect: true })
      const { host, port, username, password, db } = client.options
      client.disconnect()
      expect([host, port, username ?? undefined, password ?? undefined, db]).to.deep.equal(parts)
      expect(text.startsWith('rediss://')).to.equal(/^rediss/i.test(url))
    })

  for (const [url, asked, named] of SEVERAL)
    it(`may be ${url}, and names whom to ask`, () => {
      const { redisUrl = '' } = read({}, { REDIS_URL: url })
      const address = redisAddressOf(redisUrl)
      expect([address?.asked, address?.at('h', 7)]).to.deep.equal([asked, named])
      expect(address?.at('::1', '7')).to.equal(named.replace('h:7', '[::1]:7'))
      expect(address?.shown).not.to.match(/p@ss|p%40ss|u:p|a%2F/)
    })

  it('has its passwords as they are written and as they are sent among its secrets', () => {
    const address = redisAddressOf('redis+sentinel://u:p%40ss@a/m?sentinelPassword=s%2Fx')
    expect(address?.secrets).to.deep.equal(['p%40ss', 'p@ss', 's%2Fx', 's/x'])
  })

  for (const [url, said] of BAD)
    it(`may not be ${JSON.stringify(url)}, and the fault says why without a password`, () => {
      const faults = faultsOf({}, { REDIS_URL: url })
      expect(faults).to.have.length(1)
      expect(faults[0]?.path).to.equal('REDIS_URL')
      expect(faults[0]?.expected).to.match(said)
      expect(JSON.stringify(faults)).not.to.match(/secret|sec\/ret|pa.ss@|100%/)
    })
})
