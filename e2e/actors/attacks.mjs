// Malicious code against a running network: each attack is refused, or ended, with its own error, and blocks go on.
//
// usage: node attacks.mjs
//
// Needs what kitties.mjs needs, but for the built examples.

import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util'
import { NOOS, keyring, noos } from '../network.mjs'
import { LATER, MAX_GAS, Sender, expect, freshSalt, instantiate, main, message, say, until, upload } from './client.mjs'
import { actorAccount, codeHash, encodeAbi } from './codec.mjs'
import { table } from './rules.mjs'
import { BODY, COPY, actor, compile, data } from './wat.mjs'

/** What a try-out of a call says (primitives/src/api.rs), up to what is looked at here. */
const DRY_RUN = {
  ActorsDryRunCall: {
    _enum: {
      Call: '(AccountId32, u128, u64, Bytes)',
      Instantiate: '(H256, [u8; 32], u128, u64, Bytes)',
    },
  },
  ActorsDryRunMessage: { chain: 'u32', account: 'AccountId32', value: 'u128', gas: 'u64', body: 'Bytes' },
  ActorsBounceReason: {
    _enum: {
      UnknownCurrency: 'Null', BelowMinimum: 'Null', Refused: 'Null', NoRecipient: 'Null', OutOfGas: 'Null', TooMuchGas: 'Null',
      Failed: 'Null', Rejected: 'Bytes', MailboxFull: 'Null', QueueFull: 'Null', TooDeep: 'Null', NoChannel: 'Null',
    },
  },
  ActorsDryRunOutcome: { _enum: { Done: 'Null', Bounced: '(ActorsBounceReason, Text)', Refused: '(DispatchError, Text)' } },
  ActorsWeight: { refTime: 'Compact<u64>', proofSize: 'Compact<u64>' },
  ActorsDryRun: {
    weight: 'ActorsWeight',
    gasUsed: 'u64',
    messages: 'Vec<ActorsDryRunMessage>',
    outcome: 'ActorsDryRunOutcome',
    log: 'Vec<Bytes>',
  },
}

/** A value under an empty key: an effect that a failed message must not leave. */
const EFFECT = '(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))'
/** Messages that may wait for one account. */
const MAILBOX = 256
/** Messages of the storm: more than a mailbox and the blocks in which they arrive can take. */
const STORM = 600
/** The bare module that the refused ones are variations of. */
const FINE = { memory: '(memory (export "memory") 1)', handle: '(func (export "handle"))' }

/** Code that is refused when it is uploaded: its name, the error, its bytes. */
async function refusals() {
  const module = (fields) => compile(`(module ${FINE.memory} ${FINE.handle} ${fields})`)
  const fine = await module('')
  return [
    ['floating point', 'FloatInCode', await module('(func (drop (f32.add (f32.const 1) (f32.const 2))))')],
    ['a float in a signature', 'FloatInCode', await module('(func (param f64))')],
    ['no WebAssembly', 'MalformedCode', stringToU8a('#!/bin/sh\n')],
    ['a module that is cut off', 'MalformedCode', fine.subarray(0, fine.length - 3)],
    ['a module with a byte too many', 'MalformedCode', u8aConcat(fine, [0])],
    ['an unknown host function', 'UnknownImport', await compile(`(module (import "asterism" "mint" (func)) ${FINE.memory} ${FINE.handle})`)],
    ['a host function of another signature', 'UnknownImport', await compile(`(module (import "asterism" "send" (func)) ${FINE.memory} ${FINE.handle})`)],
    ['a start function', 'CodeHasStart', await module('(func $f) (start $f)')],
    ['no handler', 'NoHandle', await compile(`(module ${FINE.memory})`)],
    ['no memory', 'NoMemory', await compile(`(module ${FINE.handle})`)],
    ['a memory of 17 pages', 'CodeExceedsLimit', await compile(`(module (memory (export "memory") 17) ${FINE.handle})`)],
    ['data outside of its memory', 'BadSegment', await module('(data (i32.const 65536) "x")')],
  ]
}

async function story(network) {
  const uri = await keyring()
  const mallory = new Sender(network.feed(1), uri('//Alice'))
  const { chain, feed } = mallory
  const { api } = chain
  api.registry.register(DRY_RUN)
  const conservation = network.conservation()
  const rows = [['attack', 'ends with', 'in the code', 'gas used']]
  const began = performance.now()
  const start = new Map([...network.feeds].map(([id, { next }]) => [id, next]))

  /** What a call to an actor would do, by the node. */
  const dryRun = async (actor, gas, body = '0x') => {
    const call = api.registry.createType('ActorsDryRunCall', { Call: [actor.account, 0n, gas, body] })
    const argument = u8aToHex(u8aConcat(mallory.pair.publicKey, call.toU8a()))
    return chain.call('ActorsApi_dry_run', 'ActorsDryRun', (await chain.final()).hash, argument)
  }
  const values = async (actor) => (await api.query.actors.actors(actor.account)).unwrap()
  const make = async (text, value = 10n * NOOS) => {
    const hash = await upload(mallory, await compile(text))
    return (await instantiate(network, mallory, hash, '0x', { value, handled: false })).address
  }
  const send = async (what, actor, { gas = MAX_GAS, value = 0n, body = '0x' } = {}) => {
    const sent = await mallory.send(what, () => message(chain, actor, body, { gas, value }))
    return mallory.called(sent)[0]
  }
  const plain = (trap) => trap.replace(/\s+/g, '')

  say('code that must not be uploaded')
  for (const [what, error, code] of await refusals()) {
    let found = 'it is taken'
    try {
      await upload(mallory, code)
    } catch (thrown) {
      found = /actors\.(\w+)/.exec(thrown.message)?.[1] ?? thrown.message
    }
    expect(what, found, error)
    expect(`${what}: code on record`, (await api.query.actors.codes(codeHash(code))).isNone, true)
    rows.push([what, error, '', ''])
  }
  const tooLong = u8aConcat(await compile(actor('')), new Uint8Array(128 * 1024))
  // Longer than the argument's type allows: the transaction doesn't even decode, so no node takes it.
  const long = await mallory
    .submit(api.tx.actors.upload(u8aToHex(tooLong), null))
    .then(() => 'it is taken', (error) => error.message)
  if (!/1002|1010|decode|Verification|Invalid|RuntimeApi/i.test(long)) throw new Error(`code of more than 128 KiB: expected a refusal, found ${long}`)
  rows.push(['code of more than 128 KiB', 'the node', '', ''])

  say('code that fails when it runs')
  const to = { chain: 1, account: mallory.address.account }
  const letter = encodeAbi('Outgoing', { to, value: 0n, gas: 0n, body: '0x' })
  // A body of 2049 bytes: what decodes, but is too long by one.
  const huge = encodeAbi('Outgoing', { to, value: 0n, gas: 0n, body: `0x${'00'.repeat(2049)}` })
  const repeat = (times, action) => `(local $i i32)
    (loop $more ${action}
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${times}))))`
  const key = '(i32.store (i32.const 0) (local.get $i))'
  const failing = [
    ['an endless loop', actor(`${EFFECT} (loop $again (br $again))`), 'OutOfGas', 'OutOfGas'],
    ['endless logging', actor(`${EFFECT} (loop $again (call $log (i32.const 0) (i32.const 9)) (br $again))`), 'OutOfGas', 'OutOfGas'],
    ['endless growing of memory', actor(`${EFFECT} (loop $again (drop (memory.grow (i32.const 1))) (br $again))`), 'OutOfGas', 'OutOfGas'],
    ['deep recursion', actor(`${EFFECT} (call $f (i32.const 0))`, '(func $f (param i32) (call $f (local.get 0)))'), 'Failed', 'Trap(StackOverflow)'],
    ['a huge frame, recursively', actor(`${EFFECT} (call $f (i32.const 0))`, `(func $f (param i32) (local ${'i64 '.repeat(9000)}) (call $f (local.get 0)))`), 'Failed', 'Trap(StackOverflow)'],
    [
      'a memory bomb',
      actor(`${EFFECT} (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))`),
      'Failed', 'Trap(Unreachable)',
    ],
    ['a store outside of memory', actor(`${EFFECT} (i64.store (i32.const 65529) (i64.const 0))`), 'Failed', 'Trap(MemoryOutOfBounds)'],
    ['a division by zero', actor(`${EFFECT} (drop (i32.div_u (i32.const 1) (i32.const 0)))`), 'Failed', 'Trap(DivisionByZero)'],
    ['a pointer outside of memory', actor(`${EFFECT} (call $input (i32.const 65530))`), 'Failed', 'OutOfBounds'],
    ['a huge message', actor(`${EFFECT} (call $send (i32.const 0) (i32.const ${huge.length}))`, data(0, huge)), 'Failed', 'BodyTooLong'],
    ['a message that does not decode', actor(`${EFFECT} (call $send (i32.const 0) (i32.const 5))`, data(0, letter)), 'Failed', 'Undecodable'],
    ['33 messages at once', actor(`${repeat(33, `(call $send (i32.const 8) (i32.const ${letter.length}))`)}`, data(8, letter)), 'Failed', 'TooManySends'],
    ['a storage bomb of 65 keys', actor(repeat(65, `${key} (call $write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 1))`)), 'Failed', 'TooManyChanges'],
    ['a value of more than 4 KiB', actor(`${EFFECT} (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4097))`), 'Failed', 'ValueTooLong'],
    // 64 values of 4 KiB have a deposit of 32 noOs, which it can't pay.
    ['a storage bomb on credit', actor(repeat(64, `${key} (call $write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4096))`)), 'Failed', 'its effects can\'t be applied: Funds are unavailable'],
    ['value that it does not have', actor(`${EFFECT} (call $send (i32.const 8) (i32.const ${letter.length}))`, data(8, encodeAbi('Outgoing', { to, value: 10n ** 30n, gas: 0n, body: '0x' }))), 'Failed', 'Overspent'],
    ['gas that it does not have', actor(`${EFFECT} (call $send (i32.const 8) (i32.const ${letter.length}))`, data(8, encodeAbi('Outgoing', { to, value: 0n, gas: 2n ** 63n, body: '0x' }))), 'OutOfGas', 'OutOfGas'],
    ['an end that leaves something stored', actor('(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)) (call $end (i32.const 8))'), 'Failed', 'NotEmpty'],
    ['an end in its own favour', actor('(drop (call $info (i32.const 0))) (call $end (i32.const 4))'), 'Failed', 'OwnHeir'],
    ['code that nobody uploaded', actor(`${EFFECT} (call $become (i32.const 0))`), 'Failed', 'UnknownCode'],
  ]
  const running = await Promise.all(
    failing.map(async ([what, text, reason, detail]) => {
      const target = await make(text)
      const key = await send(what, target)
      const tried = await dryRun(target, MAX_GAS)
      const found = await network.outcome(key, 1)
      return { what, reason, detail, target, found, tried }
    }),
  )
  for (const { what, reason, detail, target, found, tried } of running) {
    expect(`${what}: outcome`, `${found.outcome} ${found.reason}`, `Failed ${reason}`)
    const said = tried.outcome.isBounced ? plain(tried.outcome.asBounced[1].toString()) : tried.outcome.type
    expect(`${what}: what the code did, by a dry run`, said, plain(detail))
    if (reason === 'OutOfGas') expect(`${what}: gas used`, found.gas, MAX_GAS)
    if (found.gas > MAX_GAS) throw new Error(`${what}: expected at most ${MAX_GAS} gas, found ${found.gas}`)
    expect(`${what}: keys in storage`, (await values(target)).items.toNumber(), 0)
    rows.push([what, reason, detail, found.gas])
  }

  say('calls that are refused')
  const target = running[0].target
  const refusing = [
    ['a message to the root chain', 'RootDestination', () => message(chain, { chain: 0, account: to.account }, '0x')],
    ['a message to no chain', 'UnknownDestination', () => message(chain, { chain: 999, account: to.account }, '0x')],
    ['more gas than there may be', 'TooMuchGas', () => message(chain, target, '0x', { gas: MAX_GAS + 1n })],
    ['too little gas to load the code', 'TooLittleGas', () => message(chain, target, '0x', { gas: 1n })],
    ['an actor of unknown code', 'UnknownCode', () => api.tx.actors.instantiate(`0x${'ab'.repeat(32)}`, freshSalt(), 0n, MAX_GAS, '0x')],
  ]
  for (const [what, error, call] of refusing) {
    expect(what, await mallory.refusal(what, call), `actors.${error}`)
    rows.push([what, error, '', ''])
  }

  say('a storm of messages to one account')
  // Each message takes 1,000,000 gas, so that the mailbox fills faster than it empties.
  const victim = await make(actor('(loop $again (br $again))'))
  const storm = Array.from({ length: STORM }, () => message(chain, victim, '0x'))
  const groups = []
  for (let i = 0; i < storm.length; i += 50) groups.push(storm.slice(i, i + 50))
  const hashes = await Promise.all(groups.map((group) => mallory.submit(api.tx.utility.forceBatch(group))))
  const sent = await Promise.all(hashes.map((hash) => feed.wait('the storm', 180_000, () => feed.transactions.get(hash))))
  const names = sent.flatMap((transaction) => mallory.called(transaction))
  const errors = sent.flatMap(({ events, error }) =>
    events
      .filter(({ section, method }) => section === 'utility' && method === 'ItemFailed')
      .map(({ data }) => (data.error.isModule ? api.registry.findMetaError(data.error.asModule).name : data.error.toString()))
      .concat(error ? [error.replace(/^actors\./, '')] : []),
  )
  // The mailbox is what fills first; how many transactions find room in a block is another matter.
  expect('whether a mailbox was full', errors.includes('MailboxFull'), true)
  const strange = errors.filter((error) => !LATER.includes(error))
  expect('errors of a storm, other than full mailboxes', strange, [])
  if (names.length >= STORM || errors.length === 0) throw new Error(`a storm of ${STORM} messages: expected some to be refused, found ${names.length} taken`)
  const waiting = (await api.query.actors.waits()).total.toNumber()
  if (waiting > 4_096) throw new Error(`expected at most 4096 messages in the queue, found ${waiting}`)
  const { head, tail } = await api.query.actors.mailboxes(victim.account)
  const own = tail.toNumber() - head.toNumber()
  if (own > MAILBOX) throw new Error(`expected at most ${MAILBOX} messages in a mailbox, found ${own}`)
  rows.push([`a storm of ${STORM} messages`, [...new Set(errors)].join(', '), `${names.length} taken`, ''])
  // Nobody else's messages wait behind the storm's: an actor is still handled within some blocks.
  const before = feed.next
  const fine = await make(actor('(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))'))
  const answer = await network.handled('a message beside a storm', await send('a message beside a storm', fine), 1)
  if (answer.number - before > 30) throw new Error(`a message beside a storm: expected it within 30 blocks, found ${answer.number - before}`)

  say('code that makes more of itself')
  // Its first message's body is its own code's hash; it makes four of itself, each with an eighth of its gas and value.
  const born = (salt) => `
    (i32.store8 (i32.const 1032) (i32.add (i32.load8_u (i32.const 1032)) (i32.const ${salt})))
    (call $create (i32.const 1000) (i32.const CREATION) (i32.const 3000))`
  // Memory from 1000 on is a creation: code (32), salt (32), value (16), gas (8), body: compact length (1), hash (32).
  const empty = encodeAbi('Creation', { code: new Uint8Array(32), salt: new Uint8Array(32), value: 0n, gas: 0n, body: `0x${'00'.repeat(32)}` })
  const replicator = actor(
    `(call $input (i32.const 0))
    (call $copy (i32.const ${BODY + 1}) (i32.const 1000) (i32.const 32))
    (call $copy (i32.const ${BODY + 1}) (i32.const 1089) (i32.const 32))
    (i64.store (i32.const 1064) (i64.div_u (i64.load (i32.const ${BODY - 16})) (i64.const 8)))
    (i64.store (i32.const 1080) (i64.div_u (call $gas_left) (i64.const 8)))
    ${[1, 1, 1, 1].map(born).join('')}`.replaceAll('CREATION', String(empty.length)),
    `${COPY} ${data(1000, empty)}`,
  )
  const code = await compile(replicator)
  const hash = await upload(mallory, code)
  const usersOf = async () => (await api.query.actors.codes(hash)).unwrap().users.toNumber()
  // On a network that was attacked before, there are older families.
  const older = await usersOf()
  const salt = freshSalt()
  const ancestor = actorAccount(mallory.address.account, hash, salt)
  const first = feed.next
  await mallory.send('the ancestor', () => api.tx.actors.instantiate(hash, salt, 20n * NOOS, MAX_GAS, hash))
  await until('the family to die out', 240_000, async () => {
    await feed.pass(3)
    return (await api.query.actors.waits()).total.toNumber() === 0
  })
  const users = (await usersOf()) - older
  // Each generation has an eighth of the gas of its parents, and a creation takes 60,000 of it.
  if (users < 2 || users > 1 + 4 + 16 + 64 + 256) throw new Error(`self-replication: expected a family of 2 to 341, found ${users}`)
  const births = [...feed.blocks].filter(([number]) => number >= first).flatMap(([, { events }]) =>
    events
      .filter(({ section, method, data }) => section === 'actors' && method === 'Created' && data.code.toHex() === hash)
      .map(({ data }) => ({ child: u8aToHex(data.actor.toU8a()), parent: u8aToHex(data.creator.toU8a()) })),
  )
  expect('the family by what blocks tell', births.length, users)
  // Effects are all or none: whoever has too little gas for four children has none, and its first message goes back.
  const reasons = new Set()
  for (const { child } of births) {
    const children = births.filter(({ parent }) => parent === child).length
    const failed = [...feed.outcomes.values()].find(({ recipient, outcome }) => recipient === child && outcome === 'Failed')
    if (children === 0) reasons.add(failed?.reason)
    else expect(`the children of ${child}`, children, 4)
  }
  expect('why some of the family have no children', [...reasons], ['OutOfGas'])
  rows.push(['self-replication', `${users} of a kind`, [...reasons].join(', '), ''])
  expect('removal of code that a family has', await mallory.refusal('removal', () => api.tx.actors.remove(hash)), 'actors.CodeInUse')
  const info = await values({ account: ancestor })
  expect('the code of the ancestor', info.code.toHex(), hash)
  say(`  a family of ${users} in ${feed.next - first} blocks`)

  say('code that sends to itself for ever')
  // It sends the message on to itself, with all the gas that is left: depth ends it, or gas.
  const self = encodeAbi('Outgoing', { to: { chain: 1, account: new Uint8Array(32) }, value: 0n, gas: 0n, body: '0x01' })
  const echo = await make(
    actor(
      `(drop (call $info (i32.const 0)))
      (call $copy (i32.const 0) (i32.const 1000) (i32.const 36))
      (i64.store (i32.const 1052) (i64.sub (call $gas_left) (i64.const 30000)))
      (call $send (i32.const 1000) (i32.const ${self.length}))`,
      `${COPY} ${data(1000, self)}`,
    ),
  )
  const firstEcho = await send('an echo', echo)
  await network.handled('the first echo', firstEcho, 1)
  await until('the echo to die away', 240_000, async () => (await api.query.actors.waits()).total.toNumber() === 0, 1_000)
  await feed.pass(2)
  const echoes = [...feed.outcomes.values()].filter(({ recipient }) => recipient === echo.account)
  const deep = [...feed.blocks.values()].some(({ events }) =>
    events.some(({ section, method, data }) => section === 'actors' && method === 'Bounced' &&
      u8aToHex(data.to.toU8a()) === echo.account && data.reason.type === 'TooDeep'))
  expect('whether an echo became too deep', deep, true)
  const ends = echoes.filter(({ outcome }) => outcome === 'Failed').map(({ reason }) => reason)
  if (echoes.length < 10 || echoes.length > 200) throw new Error(`an echo: expected 10 to 200 messages, found ${echoes.length}`)
  rows.push(['a message to itself for ever', 'TooDeep', `${echoes.length} messages, ${[...new Set(ends)].join(', ')}`, ''])

  say('blocks went on')
  const seconds = (performance.now() - began) / 1000
  for (const [id, from] of start) {
    const made = network.feed(id).next - from
    // One a second is the aim; a slow machine may take ten times as long.
    if (made < seconds / 10) throw new Error(`chain ${id}: expected at least ${Math.floor(seconds / 10)} blocks in ${seconds.toFixed(0)} s, found ${made}`)
    say(`  chain ${id}: ${made} blocks in ${seconds.toFixed(0)} s`)
  }
  await network.settled()
  await network.audit()
  const { checked } = await conservation.finish()
  console.log(`\n${table(rows)}\n`)
  const left = await network.totals(1, [hexToU8a(mallory.address.account)])
  say(`${rows.length - 1} attacks, none got through; conservation held at ${checked} root blocks; the attacker has ${noos(left[0])} left`)
}

main(3, story)
