// The codec against bytes that were written down, not computed by it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Interface,
  actorAccount,
  decodeStored,
  describeInterface,
  encodeAbi,
  encodeStored,
  interfaces,
  itemKey,
  mapKey,
  u32,
} from './codec.mjs'
import { u8aToHex } from '@polkadot/util'

/**
 * An interface that accepts `say` = enum { Hello = 0, Bid = 3 { kitty: u32, amount: u128 } }, emits `heard` = struct
 * { account: [u8; 32] }, and promises its answer in the same block for a price of 5.
 */
const LISTENER =
  '0x' +
  ['04', '0c', '736179', '00'].join('') + // accepts: say, type 0
  ['04', '14', '6865617264', '04'].join('') + // emits: heard, type 1, compact
  '18' + // 6 types
  // 0: no path, no parameters, variant with 2 variants; no docs.
  ['00', '00', '00', '01', '08'].join('') +
  ['14', '48656c6c6f', '00', '00', '00'].join('') +
  ['0c', '426964', '08'].join('') +
  ['01', '14', '6b69747479', '08', '00', '00'].join('') +
  ['01', '18', '616d6f756e74', '0c', '00', '00'].join('') +
  ['03', '00'].join('') +
  '00' +
  // 1: composite with a field account: type 4; no docs.
  ['04', '00', '00', '00', '04', '01', '1c', '6163636f756e74', '10', '00', '00', '00'].join('') +
  // 2: u32, 3: u128.
  ['08', '00', '00', '05', '05', '00'].join('') +
  ['0c', '00', '00', '05', '07', '00'].join('') +
  // 4: [type 5; 32], 5: u8.
  ['10', '00', '00', '03', '20000000', '14', '00'].join('') +
  ['14', '00', '00', '05', '03', '00'].join('') +
  // The service: price 5, deadline 0 blocks.
  ['01', '05' + '00'.repeat(15), '01', '00', '00000000'].join('')

describe('interfaces', () => {
  const listener = new Interface(LISTENER)

  test('messages are encoded as they are described', () => {
    assert.deepEqual([...listener.accepts.keys(), ...listener.emits.keys()], ['say', 'heard'])
    assert.equal(listener.encode('Hello'), '0x00')
    const bid = listener.encode('Bid', { kitty: 7, amount: 2n ** 64n })
    assert.equal(bid, '0x03' + '07000000' + '0000000000000000' + '0100000000000000')
    assert.deepEqual(listener.decode(bid), { variant: 'Bid', fields: { kitty: 7, amount: '0x00000000000000010000000000000000' } })
    assert.deepEqual(listener.service, { price: 5, deadline: { blocks: 0 } })
  })

  test('what does not fit is refused by name', () => {
    assert.throws(() => listener.encode('Sell', {}), /expected one of Hello, Bid, got Sell/)
    assert.throws(() => listener.decode('0x0000'), /expected 1 bytes, got 2/)
    assert.throws(() => listener.decode('0x01'), /expected one of Hello, Bid, got/)
    assert.throws(() => listener.decode('0x04'), /Unable to create|index/i)
    assert.throws(() => listener.encode('__Unused1', {}), /expected one of Hello, Bid, got __Unused1/)
    assert.throws(() => listener.emitted('nothing'), /expected one of heard/)
    assert.throws(() => new Interface(LISTENER + '00'), /nothing after/)
    assert.throws(() => new Interface('Listener'), /expected bytes in hex/)
  })

  test('are described for actors that are not written in Rust', () => {
    const sale = { shop: 'u32', price: { units: 'u64' } }
    const described = describeInterface({ accepts: { start: ['u8', 2], sale }, emits: { sum: sale } })
    assert.equal(
      described.hex,
      '0x' +
        ['08', '14', '7374617274', '00', '10', '73616c65', '04'].join('') + // accepts: start, type 0; sale, type 1
        ['04', '0c', '73756d', '04'].join('') + // emits: sum, type 1
        '18' + // 6 types
        ['00', '00', '00', '03', '02000000', '08', '00'].join('') + // 0: [type 2; 2]
        ['04', '00', '00', '00', '08'].join('') + // 1: composite with two fields
        ['01', '10', '73686f70', '0c', '00', '00'].join('') + // shop: type 3
        ['01', '14', '7072696365', '10', '00', '00', '00'].join('') + // price: type 4
        ['08', '00', '00', '05', '03', '00'].join('') + // 2: u8
        ['0c', '00', '00', '05', '05', '00'].join('') + // 3: u32
        ['10', '00', '00', '00', '04', '01', '14', '756e697473', '14', '00', '00', '00'].join('') + // 4: units: type 5
        ['14', '00', '00', '05', '06', '00'].join('') + // 5: u64
        '00',
    )
    assert.equal(described.encodeAs('sale', { shop: 7, price: { units: 258n } }), `0x070000000201${'00'.repeat(6)}`)
    assert.throws(() => described.encodeAs('sum', {}), /expected one of start,sale, got sum/)
  })

  test('are read from what an example prints', () => {
    assert.deepEqual(Object.keys(interfaces(`One ${LISTENER}\n\nTwo ${LISTENER}\n`)), ['One', 'Two'])
    assert.throws(() => interfaces('One'), /expected lines/)
  })
})

describe('accounts and keys', () => {
  const bytes = (byte) => new Uint8Array(32).fill(byte)

  test('the account of an actor', () => {
    // BLAKE2b of 256 bits, by another library, of: the 14 letters "asterism/actor"; 0x80, the length 32; 32 times 1, 2, 3.
    const expected = '0xd22c1c4475a3649b3b5a5484391ddb5d38c226bf66c71d4dca62aec66773e645'
    assert.equal(actorAccount(bytes(1), bytes(2), bytes(3)), expected)
    assert.equal(actorAccount(u8aToHex(bytes(1)), u8aToHex(bytes(2)), u8aToHex(bytes(3))), expected)
    const others = [actorAccount(bytes(2), bytes(1), bytes(3)), actorAccount(bytes(1), bytes(2), bytes(4))]
    assert.equal(new Set([expected, ...others]).size, 3)
    assert.throws(() => actorAccount(bytes(1), bytes(2), '0x00'), /salt: expected 32 bytes/)
  })

  test('keys of storage', () => {
    assert.equal(itemKey('job'), '0x0c6a6f62')
    assert.equal(mapKey('last', u32(258)), '0x106c61737402010000')
    assert.throws(() => u32(-1), /u32/)
    assert.throws(() => u32(2 ** 32), /u32/)
  })

  test('what the examples remember', () => {
    const address = '01000000' + '07'.repeat(32)
    const record = decodeStored('Record', Buffer.from(`${address}0300000000`, 'hex'))
    assert.equal(record.sale.toNumber(), 3)
    assert.ok(record.offer.isNone)
    assert.throws(() => decodeStored('Record', Buffer.from(`${address}030000000000`, 'hex')), /expected 41 bytes, got 42/)
    assert.equal(encodeStored('ActorAddress', { chain: 1, account: `0x${'07'.repeat(32)}` }), `0x${address}`)
    // Tally: 2 shares, one result: the address, and a bid of 9 by it.
    const tally = decodeStored('Tally', Buffer.from(`0204${address}01${address}09${'00'.repeat(15)}`, 'hex'))
    assert.equal(tally.results[0][1].unwrap().amount.toBigInt(), 9n)
  })

  test('what code hands to its host', () => {
    const to = { chain: 2, account: `0x${'07'.repeat(32)}` }
    const outgoing = u8aToHex(encodeAbi('Outgoing', { to, value: 5n, gas: 8n, body: '0x0606' }))
    assert.equal(outgoing, `0x02000000${'07'.repeat(32)}05${'00'.repeat(15)}08${'00'.repeat(7)}080606`)
    const fields = { code: bytes(1), salt: bytes(2), value: 5n, gas: 8n, body: '0x' }
    const creation = u8aToHex(encodeAbi('Creation', fields))
    assert.equal(creation, `0x${'01'.repeat(32)}${'02'.repeat(32)}05${'00'.repeat(15)}08${'00'.repeat(7)}00`)
  })
})
