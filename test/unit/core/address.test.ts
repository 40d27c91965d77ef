// Which addresses need `allowLinkLocal`, in every form in which they can be written.
import { expect } from 'chai'
import { isLinkLocal } from '../../../src/core/address.ts'

// prettier-ignore
const REFUSED = [
  '169.254.169.254', '169.254.0.0', '169.254.255.255', '169.254.170.2',
  'fe80::1', 'FE80::1', 'febf:ffff::1', 'fe80::1%eth0', 'fe80::1%25', 'fd00:ec2::254', 'fd00:0ec2:0:0:0:0:0:254',
  '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:169.254.1.1', '::169.254.169.254', '::a9fe:a9fe',
  '::ffff:0:169.254.169.254', '::ffff:0:a9fe:1', '2002:a9fe:a9fe::1', '2002:a9fe:1::', '64:ff9b::169.254.169.254',
  '64:ff9b::a9fe:a9fe', '64:ff9b:0:0:0:0:a9fe:0', '64:ff9b:1:a9fe:a9:fe00::', '64:ff9b:1::169.254.169.254',
  '64:ff9b:1:2:3:4:a9fe:a9fe', '64:FF9B:1:0:0:0:A9FE:0', '64:ff9b:1:fffe::a9fe:a9fe',
]
// prettier-ignore
const FINE = [
  '127.0.0.1', '10.0.0.1', '169.253.255.255', '169.255.0.0', '192.168.0.1', '8.8.8.8', '0.0.0.0',
  '::1', 'fc00::1', 'fd00:ec2::253', 'fec0::1', 'fe7f::1', '2001:db8::1', '::ffff:127.0.0.1', '::ffff:a9fd:1',
  '2002:a9fd::1', '64:ff9b::8.8.8.8', '64:ff9b:1::8.8.8.8', '64:ff9b:1:2::a9fe:1:1', '64:ff9b:2::169.254.169.254',
  '', 'localhost', 'metadata.google.internal', '169.254.169.254.nip.io', '[fe80::1]', '169.254.169',
]
/** As a URL may have them: the URL standard turns them into the usual form. */
const ODD = ['0xa9fea9fe', '0251.0376.0251.0376', '169.16689662', '2852039166', '0xA9.254.0xa9fe', '169.254.169.254.']

describe('an address', () => {
  for (const host of REFUSED) it(`${host} is refused`, () => expect(isLinkLocal(host)).to.equal(true))
  for (const host of FINE) it(`${host || '(none)'} is not refused`, () => expect(isLinkLocal(host)).to.equal(false))
  for (const host of ODD)
    it(`${host} is refused as the host of a URL`, () => {
      expect(isLinkLocal(new URL(`http://${host}/`).hostname)).to.equal(true)
    })
})
