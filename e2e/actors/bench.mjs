// Measures a running network of three chains, and prints two tables: messages per second of payments, of calls to a trivial
// actor, and of cascades of ten hops, on one chain and around all three; and what a hop from one chain to another takes on its
// source, on the root chain and on its destination: bytes of blocks, time by weight, and the time that a node measurably takes to
// execute the block again. It asserts nothing about speed.
//
// usage: node bench.mjs [--messages <n>] [--senders <n>]      (npm run bench:actors)
//
// Needs what kitties.mjs needs, but for the built examples: scripts/bench-actors.

import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { u8aToHex } from '@polkadot/util'
import { NOOS, event, keyring } from '../network.mjs'
import { Sender, address, expect, freshSalt, instantiate, main, message, number, say, upload } from './client.mjs'
import { actorAccount, codeHash, encodeAbi, encodeStored } from './codec.mjs'
import { table } from './rules.mjs'
import { BODY, actor, compile, data } from './wat.mjs'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '600' }, senders: { type: 'string', default: '12' } },
})
const total = number('messages', values.messages, 3, 60_000)
const senderCount = number('senders', values.senders, 1, 300)
const CHAINS = [1, 2, 3]
const HOPS = 10
/** How often a block is executed again to learn how long it takes. */
const RUNS = 25
/** A message that passes ten hops on takes its gas along: 40,000 for each. */
const CASCADE_GAS = 900_000n

/**
 * Passes a message on. Its first message, an address of 36 bytes, says to whom; each other one, of one byte, says how often.
 * Memory from 1000 on is an `Outgoing`: address (36), value (16), gas (8), the body's length (1), the body (1).
 */
const RELAY = actor(
  `(call $input (i32.const 0))
  (if (i32.eq (i32.load8_u (i32.const ${BODY})) (i32.const ${36 << 2}))
    (then (call $write (i32.const 0) (i32.const 0) (i32.const ${BODY + 1}) (i32.const 36)))
    (else (if (i32.load8_u (i32.const ${BODY + 1})) (then
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 36)))
      (i32.store8 (i32.const 1061) (i32.sub (i32.load8_u (i32.const ${BODY + 1})) (i32.const 1)))
      (i64.store (i32.const 1052) (i64.sub (call $gas_left) (i64.const 25000)))
      (call $send (i32.const 1000) (i32.const 62))))))`,
  data(1000, encodeAbi('Outgoing', { to: { chain: 1, account: new Uint8Array(32) }, value: 0n, gas: 0n, body: '0x00' })),
)

async function story(network) {
  const uri = await keyring()
  const alice = new Map(CHAINS.map((id) => [id, new Sender(network.feed(id), uri('//Alice'))]))
  const senders = new Map(
    CHAINS.map((id) => [id, Array.from({ length: senderCount }, (_, i) => new Sender(network.feed(id), uri(`//Bench//${id}//${i}`)))]),
  )
  say('funding senders, creating actors')
  await Promise.all(
    CHAINS.map((id) =>
      alice.get(id).batch('funding', senders.get(id).map((who) => network.chain(id).api.tx.actors.transfer(who.address, 100n * NOOS)), 50),
    ),
  )
  const trivial = await compile(actor(''))
  const relay = await compile(RELAY)
  const make = async (id, code, body, salt) => {
    const hash = await upload(alice.get(id), code)
    return (await instantiate(network, alice.get(id), hash, body, { value: NOOS, ...(salt && { salt }) })).address
  }
  const idle = new Map(await Promise.all(CHAINS.map(async (id) => [id, await make(id, trivial, '0x')])))
  // Each relay has to know the next one before that is made: accounts follow from creator, code and salt.
  const salts = new Map(CHAINS.map((id) => [id, freshSalt()]))
  const relayAt = (id) => address(id, actorAccount(alice.get(id).address.account, codeHash(relay), salts.get(id)))
  const around = new Map()
  for (const id of CHAINS) {
    around.set(id, await make(id, relay, encodeStored('ActorAddress', relayAt((id % 3) + 1)), salts.get(id)))
    expect('the account of a relay', around.get(id), relayAt(id))
  }
  const within = new Map()
  for (const id of CHAINS) {
    const salt = freshSalt()
    const self = address(id, actorAccount(alice.get(id).address.account, codeHash(relay), salt))
    within.set(id, await make(id, relay, encodeStored('ActorAddress', self), salt))
  }

  /** Signs transactions beforehand, hands them over at once, and counts until `done`, by what feeds have seen. */
  const measure = async (title, each, perTransaction, make, done) => {
    say(title)
    const signed = new Map()
    for (const id of CHAINS) {
      const own = senders.get(id)
      const list = []
      for (const [i, who] of own.entries()) {
        let nonce = (await who.chain.api.rpc.system.accountNextIndex(who.pair.address)).toNumber()
        const share = Math.floor(each / own.length) + (i < each % own.length ? 1 : 0)
        for (let n = 0; n < share; n++) list.push((await make(id).signAsync(who.pair, { nonce: nonce++, era: 0 })).toHex())
      }
      signed.set(id, list)
    }
    const from = new Map(CHAINS.map((id) => [id, network.feed(id).next]))
    const processed = () => CHAINS.map((id) => done(network.feed(id), from.get(id)))
    const began = performance.now()
    await Promise.all(CHAINS.flatMap((id) => signed.get(id).map((hex) => network.chain(id).rpc('author_submitExtrinsic', hex))))
    const wanted = each * perTransaction * CHAINS.length
    let [count, still, last] = [0, performance.now(), began]
    while (count < wanted) {
      await network.feed(1).wait(title, 600_000, () => {
        const now = processed().reduce((sum, n) => sum + n, 0)
        if (now > count) [still, last] = [performance.now(), Math.max(...CHAINS.map((id) => lastSeen(id)))]
        const moved = now > count
        count = now
        // What is refused for want of room never comes: the table has what came.
        return moved || performance.now() - still > 45_000
      })
      if (performance.now() - still > 45_000) break
    }
    const seconds = (last - began) / 1000
    const blocks = Math.max(...CHAINS.map((id) => network.feed(id).next - from.get(id)))
    const rate = count / seconds
    return [title, wanted, count, blocks, seconds.toFixed(1), rate.toFixed(1), (rate / cpus().length).toFixed(1)]
  }
  const lastSeen = (id) => network.feed(id).blocks.get(network.feed(id).next - 1)?.seen ?? 0
  const blocksFrom = (feed, from) => [...feed.blocks].filter(([number]) => number >= from).map(([, block]) => block)
  const transferred = (feed, from) =>
    blocksFrom(feed, from).reduce((sum, { events }) => sum + events.filter(event('actors', 'Transferred')).length, 0)
  const handled = (feed, from) => blocksFrom(feed, from).reduce((sum, { processed }) => sum + processed, 0)

  const each = Math.max(1, Math.floor(total / CHAINS.length))
  const cascades = Math.max(1, Math.floor(each / (HOPS + 1)))
  const call = (id, to, body, gas) => message(network.chain(id), to, body, { gas })
  const hops = u8aToHex(Uint8Array.of(HOPS))
  const rows = [['messages', 'sent', 'processed', 'blocks', 'seconds', 'a second', 'a second and core']]
  const pay = (id) => network.chain(id).api.tx.actors.transfer(idleAccount(id), NOOS / 1000n)
  const idleAccount = (id) => senders.get(id)[0].address
  rows.push(await measure('payments', each, 1, pay, transferred))
  rows.push(await measure('calls of a trivial actor', each, 1, (id) => call(id, idle.get(id), '0x', 100_000n), handled))
  rows.push(await measure(`cascades of ${HOPS} hops, each on one chain`, cascades, HOPS + 1, (id) => call(id, within.get(id), hops, CASCADE_GAS), handled))
  rows.push(await measure(`cascades of ${HOPS} hops, around three chains`, cascades, HOPS + 1, (id) => call(id, around.get(id), hops, CASCADE_GAS), handled))

  say('hops from chain 1 to chain 2')
  const [one, two] = [network.feed(1), network.feed(2)]
  /** What the runtime has charged for an extrinsic, in microseconds. */
  const weightOf = (events, index) => {
    const success = events.find((e) => e.extrinsic === index && e.section === 'system' && e.method === 'ExtrinsicSuccess')
    const info = success?.data.dispatchInfo ?? success?.data.dispatch_info
    return info ? Math.round(Number(info.weight.refTime.toBigInt()) / 1e6) : '?'
  }
  /** What chain 2's view of the root chain takes in a block: nothing, if an earlier block has brought one as new. */
  const viewOf = async ({ hash, bytes, events }) => {
    const { block } = await two.chain.api.rpc.chain.getBlock(hash)
    const index = block.extrinsics.findIndex(({ method }) => method.section === 'rootView' && method.method === 'set')
    return index < 0 ? { view: 0, viewTime: 0 } : { view: bytes[index], viewTime: weightOf(events, index) }
  }
  /**
   * How long a chain's node takes to execute a block again, in microseconds: the median of some runs. What recording a proof and
   * the call itself take is in it, so only differences say something.
   */
  const execution = async (chain, hash) => {
    const times = []
    for (let run = 0; run < RUNS; run++) {
      const begin = performance.now()
      if (!(await chain.rpc('dev_getBlockStats', hash))) throw new Error(`${chain.name}: expected block ${hash} and its parent`)
      times.push(performance.now() - begin)
    }
    return Math.round(1000 * times.sort((a, b) => a - b)[RUNS >> 1])
  }
  const headerBytes = async (chain, hash) => (await chain.api.rpc.chain.getHeader(hash)).encodedLength
  const hop = async (messages) => {
    await network.settled()
    const to = idle.get(2)
    const rootStart = await network.root.best()
    const calls = Array.from({ length: messages }, () => call(1, to, '0x', 100_000n))
    const sent = await alice.get(1).send('a hop', () => one.chain.api.tx.utility.batchAll(calls))
    const keys = alice.get(1).called(sent)
    const source = one.blocks.get(sent.number)
    // The proof is there until the source learns that the messages have arrived.
    const proof = await one.chain.rpc('messages_proof', 2, sent.number)
    const checkpointed = (e) => event('checkpoints', 'Checkpointed', { chain: 1 })(e) && e.data.number.toNumber() >= sent.number
    const anchor = await network.root.find(rootStart + 1, `checkpoint of block ${sent.number}`, checkpointed)
    const index = anchor.event.extrinsic
    const rootBlock = (await network.root.provider.send('chain_getBlock', [anchor.hash])).block
    const arrived = await network.outcome(keys.at(-1), 2)
    const found = [...two.blocks].find(([number, { events }]) => number <= arrived.number && events.some((e) => event('messages', 'Delivered', { source: 1 })(e) && e.data.nonce.toNumber() === Number(keys.at(-1).split(':')[1])))
    if (!found) throw new Error(`chain 2: expected a block that delivers message ${keys.at(-1)}`)
    const [, destination] = found
    const deliver = destination.events.find(event('messages', 'Delivered', { source: 1 })).extrinsic
    if (deliver === undefined) throw new Error('chain 2: expected the delivery to be an extrinsic of its block')
    return {
      messages,
      sourceHeader: await headerBytes(one.chain, source.hash),
      proof: proof ? (proof.encoded.length - 2) / 2 : null,
      path: proof ? proof.path.length : null,
      checkpoint: (rootBlock.extrinsics[index].length - 2) / 2,
      checkpointTime: weightOf(anchor.events, index),
      deliver: destination.bytes[deliver],
      deliverTime: weightOf(destination.events, deliver),
      ...(await viewOf(destination)),
      sourceTime: await execution(one.chain, source.hash),
      rootTime: await execution(network.root, anchor.hash),
      destinationTime: await execution(two.chain, destination.hash),
      callTime: weightOf(source.events, source.events.find(event('actors', 'Called'))?.extrinsic),
    }
  }
  /** A checkpoint and a header while nothing is sent, to compare with. */
  const quiet = async () => {
    await network.settled()
    await one.pass(3)
    const start = await network.root.best()
    const anchor = await network.root.find(start + 1, 'a checkpoint of chain 1', event('checkpoints', 'Checkpointed', { chain: 1 }))
    const { block } = await network.root.provider.send('chain_getBlock', [anchor.hash])
    const newest = one.blocks.get(one.next - 1)
    // The newest block with a view that is new.
    const views = await Promise.all([1, 2, 3].map((back) => viewOf(two.blocks.get(two.next - back))))
    return {
      ...(views.find(({ view }) => view > 0) ?? views[0]),
      sourceHeader: await headerBytes(one.chain, newest.hash),
      checkpoint: (block.extrinsics[anchor.event.extrinsic].length - 2) / 2,
      checkpointTime: weightOf(anchor.events, anchor.event.extrinsic),
      sourceTime: await execution(one.chain, newest.hash),
      rootTime: await execution(network.root, anchor.hash),
      destinationTime: await execution(two.chain, two.blocks.get(two.next - 1).hash),
    }
  }
  const none = await quiet()
  const [single, many] = [await hop(1), await hop(16)]
  const cell = (value) => value ?? 'acknowledged'
  const row = (what, of) => [what, cell(of(none)), cell(of(single)), cell(of(many)), Number.isFinite(of(many) - of(single)) ? ((of(many) - of(single)) / 15).toFixed(1) : '?']
  const dash = (name) => (found) => (found === none && !(name in none) ? 0 : found[name])
  const hopRows = [
    ['a hop', 'no message', '1 message', '16 messages', 'a message more'],
    row('source: header, bytes', dash('sourceHeader')),
    row('source: proof with messages, bytes', dash('proof')),
    row('source: calls, µs by weight', dash('callTime')),
    row('source: block, µs measured', dash('sourceTime')),
    row('root: checkpoint, bytes', dash('checkpoint')),
    row('root: checkpoint, µs by weight', dash('checkpointTime')),
    row('root: block, µs measured', dash('rootTime')),
    row('destination: root view, bytes', dash('view')),
    row('destination: root view, µs by weight', dash('viewTime')),
    row('destination: delivery, bytes', dash('deliver')),
    row('destination: delivery, µs by weight', dash('deliverTime')),
    row('destination: block, µs measured', dash('destinationTime')),
  ]
  console.log(`\n${table(rows)}\n\n${table(hopRows)}\n`)
  console.log(`${cpus().length} cores: ${cpus()[0]?.model ?? 'unknown'}. A checkpoint may cover several blocks, and its bytes and weight then too.`)
}

main(3, story)
