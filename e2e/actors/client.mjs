// What the stories of actors share: the chains of a network, what their final blocks say of transactions and messages,
// senders that number their transactions themselves, and actors that are made and read.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compactStripLength, hexToU8a, isHex, u8aToHex } from '@polkadot/util'
import { blake2AsHex, decodeAddress } from '@polkadot/util-crypto'
import { watch } from '../conservation.mjs'
import { Chain, NOOS, noos, sleep, within } from '../network.mjs'
import { actorAccount, codeHash, interfaces, mapKey } from './codec.mjs'

/** Gas that a message may carry, which is also enough for all that the examples do. */
export const MAX_GAS = 5_000_000n
/** What a call is refused for that may do in a later block. */
export const LATER = ['ChannelFull', 'BlockFull', 'BytesFull', 'MailboxFull', 'QueueFull']
/** What a message is returned for that may do later, likewise. */
export const LATER_RETURNED = ['MailboxFull', 'QueueFull', 'NoChannel']

/** A line with the time since the beginning. */
const began = performance.now()
export const say = (text) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`)

/** Tries until there is a value that is true, at most so long; what is thrown meanwhile is thrown at once. */
export async function until(what, milliseconds, attempt, pause = 500) {
  const end = Date.now() + milliseconds
  for (;;) {
    const value = await attempt()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds / 1000} s`)
    await sleep(pause)
  }
}

/** Checks one expectation, and says what was expected and what was found if it doesn't hold. */
export function expect(what, found, expected) {
  const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v)))
  if (shown(found) !== shown(expected)) throw new Error(`${what}: expected ${shown(expected)}, found ${shown(found)}`)
}

/** An account of the network, by a pair, an address or bytes in hex. */
export const address = (chain, account) => ({
  chain,
  account: typeof account === 'string' && isHex(account) ? account : u8aToHex(decodeAddress(account.address ?? account)),
})

/** The event of a pallet that a transaction has, or undefined. */
export const eventOf = ({ events }, section, method) =>
  events.find((event) => event.section === section && event.method === method)

/** The name of a message, by which its sender and its recipient's chain both call it. */
export function messageKey(chain, id) {
  const json = id.toJSON()
  if (json.inner) return `${chain}:${json.inner.block}.${json.inner.index}`
  const { source, destination, nonce } = json.outer
  return `${source}>${destination}:${Number(nonce)}`
}

/** A reason as text: its name, or the words of the code that refused. */
export function reasonOf(reason) {
  if (reason.type !== 'Rejected') return { name: reason.type, words: '' }
  return { name: 'Rejected', words: Buffer.from(reason.asRejected.words.toU8a(true)).toString('utf8') }
}

/** Follows the final blocks of a chain: which transactions they have, and what became of messages. */
export class Feed {
  constructor(chain, id) {
    Object.assign(this, { chain, id, next: 0, stopped: false, failure: null })
    /** By a transaction's hash: its block, its place, its events, and its error or null. */
    this.transactions = new Map()
    /** By a message's name: outcome, reason, words, gas used, its block, its place among all of this chain. */
    this.outcomes = new Map()
    /** By number: hash, bytes of each extrinsic, how many messages were processed, milliseconds when it was seen. */
    this.blocks = new Map()
    this.place = 0
  }

  static async start(chain, id) {
    const feed = new Feed(chain, id)
    feed.next = (await chain.final()).number
    feed.running = feed.run().catch((error) => (feed.failure = error))
    return feed
  }

  async run() {
    while (!this.stopped) {
      const { number } = await this.chain.final()
      for (; this.next <= number && !this.stopped; this.next++) await this.read(this.next)
      await sleep(100)
    }
  }

  async read(number) {
    const { chain } = this
    const hash = (await chain.api.rpc.chain.getBlockHash(number)).toString()
    const [{ events }, { block }] = await Promise.all([chain.block(hash), chain.provider.send('chain_getBlock', [hash])])
    const extrinsics = block.extrinsics.map((hex) => ({ hash: blake2AsHex(hexToU8a(hex)), bytes: (hex.length - 2) / 2 }))
    const found = extrinsics.map(() => ({ number, events: [], error: null }))
    let processed = 0
    for (const event of events) {
      const transaction = event.extrinsic === undefined ? undefined : found[event.extrinsic]
      transaction?.events.push(event)
      const { section, method, data } = event
      if (section === 'system' && method === 'ExtrinsicFailed') {
        const error = data.dispatchError ?? data.dispatch_error
        const named = error.isModule ? chain.api.registry.findMetaError(error.asModule) : undefined
        transaction.error = named ? `${named.section}.${named.name}` : error.toString()
      } else if (section === 'actors' && method === 'Processed') {
        processed++
        const failed = data.outcome.type === 'Failed' ? reasonOf(data.outcome.asFailed.reason) : { name: '', words: '' }
        this.outcomes.set(messageKey(this.id, data.id), {
          outcome: data.outcome.type,
          reason: failed.name,
          words: failed.words,
          gas: (data.gasUsed ?? data.gas_used).toBigInt(),
          parent: data.parent.isSome ? messageKey(this.id, data.parent.unwrap()) : null,
          recipient: u8aToHex(data.recipient.toU8a()),
          number,
          place: this.place++,
        })
      } else if (section === 'messages' && method === 'Refused') {
        const { name, words } = reasonOf(data.reason)
        const key = `${data.source.toNumber()}>${this.id}:${data.nonce.toNumber()}`
        this.outcomes.set(key, { outcome: 'Failed', reason: name, words, gas: 0n, parent: null, number, place: this.place++ })
      }
    }
    extrinsics.forEach(({ hash }, i) => this.transactions.set(hash, found[i]))
    this.blocks.set(number, { hash, bytes: extrinsics.map(({ bytes }) => bytes), events, processed, seen: performance.now() })
    this.blocks.delete(number - 600)
  }

  /** Waits for something that final blocks tell. */
  async wait(what, milliseconds, find) {
    return until(
      `${this.chain.name}: ${what}`,
      milliseconds,
      () => {
        if (this.failure) throw new Error(`${this.chain.name}: following its blocks failed: ${this.failure.message}`)
        return find()
      },
      50,
    )
  }

  /** Waits until so many more blocks are final. */
  async pass(blocks, milliseconds = 60_000 + blocks * 10_000) {
    const end = this.next + blocks
    return this.wait(`${blocks} more final blocks, from ${this.next} on`, milliseconds, () => this.next >= end)
  }

  async stop() {
    this.stopped = true
    await this.running
  }
}

/** Signs an account's transactions on a chain with numbers of its own, so that many of them go into one block. */
export class Sender {
  constructor(feed, pair) {
    Object.assign(this, { feed, chain: feed.chain, pair, nonce: undefined, turn: Promise.resolve() })
  }

  get address() {
    return address(this.feed.id, this.pair)
  }

  /** Signs a call and hands it to the node, one after the other; returns the transaction's hash. */
  submit(call) {
    const submitted = this.turn.then(async () => {
      this.nonce ??= (await this.chain.api.rpc.system.accountNextIndex(this.pair.address)).toNumber()
      const signed = await call.signAsync(this.pair, { nonce: this.nonce, era: 0 })
      await within(30_000, `${this.chain.name}: handing over a transaction`, this.chain.rpc('author_submitExtrinsic', signed.toHex()))
      this.nonce++
      return blake2AsHex(signed.toU8a())
    })
    // One that the node doesn't take leaves its number to the next one.
    this.turn = submitted.catch(() => {})
    return submitted
  }

  /**
   * Sends a call and waits until it is final; one that finds no room now is sent again in a later block. Returns the
   * transaction's block and events; throws the chain's error if it is refused for anything else.
   */
  async send(what, make, { milliseconds = 180_000 } = {}) {
    const end = Date.now() + milliseconds
    for (;;) {
      let error
      try {
        const hash = await this.submit(make())
        const found = await this.feed.wait(`${what}: inclusion`, milliseconds, () => this.feed.transactions.get(hash))
        if (!found.error) return found
        error = found.error
        if (!LATER.includes(error.split('.').pop())) throw Object.assign(new Error(`${what}: ${error}`), { refusal: error })
      } catch (thrown) {
        // The pool is full: its transactions go into the next blocks.
        if (!/1016|Immediately Dropped|pool is full/i.test(thrown.message)) throw thrown
        error = thrown.message
      }
      if (Date.now() > end) throw new Error(`${what}: still ${error} after ${milliseconds / 1000} s`)
      await this.feed.pass(1)
    }
  }

  /** Sends a call that the chain refuses; returns its error, such as `actors.UnknownCode`, or null if it is taken. */
  async refusal(what, make) {
    try {
      await this.send(what, make)
      return null
    } catch (error) {
      if (!error.refusal) throw error
      return error.refusal
    }
  }

  /** Sends many calls, so many in a transaction, which takes all or none of them; returns the transactions. */
  async batch(what, calls, size = 25, options = {}) {
    const { batchAll } = this.chain.api.tx.utility
    const groups = []
    for (let i = 0; i < calls.length; i += size) groups.push(calls.slice(i, i + size))
    return Promise.all(groups.map((group) => this.send(what, () => batchAll(group), options)))
  }

  /** The names of the messages that a transaction of this sender sent by `call` or `instantiate`. */
  called(transaction) {
    return transaction.events
      .filter(({ section, method }) => section === 'actors' && method === 'Called')
      .map(({ data }) => messageKey(this.feed.id, data.id))
  }
}

/** The chains of a network with their feeds, and what is asked of them. */
export class Network {
  constructor(root, feeds) {
    Object.assign(this, { root, feeds })
  }

  /** The endpoints: ASTERISM_ROOT, ASTERISM_CHAIN_1, …, or the ports that a node takes by itself. */
  static endpoints(chains) {
    const from = (name, port) => process.env[name] ?? `ws://127.0.0.1:${port}`
    return {
      root: from('ASTERISM_ROOT', 9944),
      chains: Array.from({ length: chains }, (_, i) => from(`ASTERISM_CHAIN_${i + 1}`, 9945 + i)),
    }
  }

  static async connect(chains) {
    const urls = Network.endpoints(chains)
    const root = await Chain.connect('root chain', urls.root)
    const feeds = new Map()
    for (const [i, url] of urls.chains.entries()) {
      const chain = await Chain.connect(`chain ${i + 1}`, url)
      expect(`the chain at ${url}`, await chain.chainId(), i + 1)
      feeds.set(i + 1, await Feed.start(chain, i + 1))
    }
    return new Network(root, feeds)
  }

  feed(id) {
    const feed = this.feeds.get(id)
    if (!feed) throw new Error(`chain ${id}: expected one of ${[...this.feeds.keys()].join(', ')}`)
    return feed
  }

  chain(id) {
    return this.feed(id).chain
  }

  get chains() {
    return new Map([...this.feeds].map(([id, { chain }]) => [id, chain]))
  }

  /** Waits until a message, by its name, was processed or refused; `recipient` is the chain that it is for. */
  async outcome(key, recipient, milliseconds = 180_000) {
    const feed = this.feed(recipient)
    return feed.wait(`what became of message ${key}`, milliseconds, () => feed.outcomes.get(key))
  }

  /** Waits until a message was handled, and throws why if it was not. */
  async handled(what, key, recipient, milliseconds) {
    const found = await this.outcome(key, recipient, milliseconds)
    if (found.outcome === 'Failed') {
      throw new Error(`${what}: expected it to be handled, found ${found.reason} ${found.words}, ${found.gas} gas used`)
    }
    return found
  }

  /** Checks conservation at each final root block from now on; `finish()` ends that and says how many there were. */
  conservation() {
    let [done, checked, flew] = [false, 0, 0n]
    const watching = watch(this.root, this.chains, {
      done: () => done,
      report: ({ flying }) => {
        checked++
        if (flying > flew) flew = flying
      },
    })
    // A failed check is thrown by `finish`, and said at once.
    watching.catch((error) => say(`conservation FAILED: ${error.message}`))
    return {
      finish: async () => {
        done = true
        await within(120_000, 'the last check of conservation', watching)
        return { checked, flew }
      },
    }
  }

  /** Values of an actor's storage, by keys in hex; null where there is none. At the final head, a hundred at a time. */
  async stored(id, account, keys) {
    const chain = this.chain(id)
    const { hash } = await chain.final()
    const names = keys.map((key) => chain.api.query.actors.stored.key(account, key))
    const found = new Map()
    for (let i = 0; i < names.length; i += 100) {
      const [answer] = await chain.rpc('state_queryStorageAt', names.slice(i, i + 100), hash)
      for (const [name, value] of answer?.changes ?? []) found.set(name, value)
    }
    return names.map((name) => {
      const value = found.get(name)
      return value ? compactStripLength(hexToU8a(value))[1] : null
    })
  }

  /** All entries of a map in an actor's storage at the final head: values by keys in hex, both as bytes after the map's name. */
  async storedMap(id, account, name) {
    const chain = this.chain(id)
    const at = await chain.api.at((await chain.final()).hash)
    const prefix = mapKey(name, new Uint8Array())
    const found = new Map()
    for (const [key, value] of await at.query.actors.stored.entries(account)) {
      const hex = u8aToHex(key.args[1].toU8a(true))
      if (hex.startsWith(prefix)) found.set(`0x${hex.slice(prefix.length)}`, value.unwrap().toU8a(true))
    }
    return found
  }

  /**
   * Follows a message, as the chain that sent it names it, until it and all that it caused have arrived. Returns them by the
   * node's answer, with recipients in hex: each behind the one that caused it.
   */
  async arrived(what, id, messageId, milliseconds = 120_000) {
    const { inner, outer } = messageId.toJSON()
    const name = inner ? { inner: { chain: id, ...inner } } : { outer }
    return until(`${what}: arrival of all messages`, milliseconds, async () => {
      const { messages, complete } = await this.chain(id).rpc('messages_trace', name)
      const ended = messages.every(({ outcome }) => ['credited', 'handled', 'failed'].includes(outcome.state))
      if (!complete || !ended) return null
      return messages.map((message) => ({ ...message, ...address(message.chain, message.recipient) }))
    })
  }

  /** What accounts of a chain have, with what is held from them, in units, at the final head. */
  async totals(id, accounts) {
    const chain = this.chain(id)
    const at = await chain.api.at((await chain.final()).hash)
    const found = await at.query.system.account.multi(accounts)
    return found.map(({ data }) => data.free.toBigInt() + data.reserved.toBigInt())
  }

  /** Checks that all accounts of each chain together have what the chain has issued, and that nothing waits. */
  async audit() {
    const rows = []
    for (const [id, { chain }] of this.feeds) {
      const { hash, number } = await chain.final()
      const at = await chain.api.at(hash)
      const [accounts, issuance, waits] = await Promise.all([
        at.query.system.account.entries(),
        at.query.balances.totalIssuance(),
        at.query.actors.waits(),
      ])
      const sum = accounts.reduce((total, [, { data }]) => total + data.free.toBigInt() + data.reserved.toBigInt(), 0n)
      if (sum !== issuance.toBigInt()) {
        throw new Error(`chain ${id}, block ${number}: expected accounts with ${noos(issuance.toBigInt())}, found ${noos(sum)}`)
      }
      rows.push({ id, number, accounts: accounts.length, sum, waiting: waits.total.toNumber() })
    }
    return rows
  }

  /**
   * What chains have sent by their final blocks, as a text that differs as soon as there is more; null if not all of it is
   * acknowledged, so has arrived.
   */
  async sent() {
    const channels = []
    for (const [id, { chain }] of this.feeds) {
      const at = await chain.api.at((await chain.final()).hash)
      for (const [{ args }, { closed }] of await at.query.messages.outbounds.entries()) {
        if (!closed.acknowledged.eq(closed.recorded)) return null
        channels.push(`${id}>${args[0]}:${closed.recorded}`)
      }
    }
    return channels.sort().join(' ')
  }

  /** Whether no message waits in a queue, or to go back, by the final blocks. */
  async idle() {
    for (const { chain } of this.feeds.values()) {
      const at = await chain.api.at((await chain.final()).hash)
      const [waits, [head, tail]] = await Promise.all([at.query.actors.waits(), at.query.actors.returnSpan()])
      if (waits.total.toNumber() > 0 || !head.eq(tail)) return false
    }
    return true
  }

  /**
   * Waits until no message waits, and none is on its way. The root chain alone doesn't tell: what a block sent that has no
   * checkpoint yet isn't in flight there. So all that was sent has arrived, nothing waits after that, and then nothing more was
   * sent.
   */
  async settled(milliseconds = 180_000) {
    await until('queues and channels to be empty', milliseconds, async () => {
      const sent = await this.sent()
      if (sent === null || !(await this.idle()) || (await this.sent()) !== sent) return false
      return (await this.root.call('RootApi_in_flight', 'Vec<(u32, u32, u32, u128)>', (await this.root.final()).hash)).every(
        ([, , , amount]) => amount.isZero(),
      )
    })
  }

  async disconnect() {
    await Promise.all([...this.feeds.values()].map((feed) => feed.stop()))
    await Promise.all([this.root, ...this.chains.values()].map((chain) => chain.disconnect()))
  }
}

/** The example actors as cargo has built them: modules and interfaces, by the application's name. */
export class Examples {
  constructor(folder = process.env.ASTERISM_ACTORS) {
    if (!folder) throw new Error('ASTERISM_ACTORS: expected the folder where the example actors are built; see scripts/auction')
    this.folder = folder
  }

  /** A module, such as `kitties_collector`. */
  code(name) {
    const path = join(this.folder, 'wasm32v1-none', 'release', `${name}.wasm`)
    if (!existsSync(path)) throw new Error(`${path}: there is no such module; see scripts/auction`)
    return new Uint8Array(readFileSync(path))
  }

  /** What an application's example prints: its actors' interfaces by name. */
  interfaces(application) {
    const path = join(this.folder, 'debug', 'examples', `${application}_interfaces`)
    if (!existsSync(path)) throw new Error(`${path}: there is no such program; see scripts/auction`)
    return interfaces(execFileSync(path, { encoding: 'utf8' }))
  }
}

/** Uploads code, with its interface if there is one, unless it is on record; returns its hash. */
export async function upload(sender, code, described) {
  const hash = codeHash(code)
  const known = await sender.chain.api.query.actors.codes(hash)
  if (known.isSome) return hash
  const call = () => sender.chain.api.tx.actors.upload(u8aToHex(code), described?.hex ?? null)
  const uploaded = eventOf(await sender.send(`upload of ${hash}`, call), 'actors', 'Uploaded')
  expect('the hash of uploaded code', uploaded?.data.code.toHex(), hash)
  if (described) {
    const recorded = (await sender.chain.api.query.actors.interfaces(hash)).unwrap()
    expect('the interface on record', u8aToHex(recorded.toU8a(true)), described.hex)
  }
  return hash
}

/** A salt that nobody has used: the time and a number. */
let salts = 0
export const freshSalt = () => {
  const salt = new Uint8Array(32)
  new DataView(salt.buffer).setBigUint64(0, BigInt(Date.now()))
  new DataView(salt.buffer).setUint32(8, salts++)
  return u8aToHex(salt)
}

/** Creates an actor; waits until it has handled its first message; returns its address and that message's name. */
export async function instantiate(network, sender, hash, body, { value = 0n, gas = 1_000_000n, salt = freshSalt(), handled = true } = {}) {
  const account = actorAccount(sender.address.account, hash, salt)
  const call = () => sender.chain.api.tx.actors.instantiate(hash, salt, value, gas, body)
  const transaction = await sender.send('instantiate', call)
  const created = eventOf(transaction, 'actors', 'Created')
  expect('the account of a new actor', created && u8aToHex(created.data.actor.toU8a()), account)
  const [first] = sender.called(transaction)
  if (handled) await network.handled('the first message of a new actor', first, sender.feed.id)
  return { address: { chain: sender.feed.id, account }, first }
}

/** What a reducer of words is endowed with for each one that it is to remember: twice its deposit. */
export const A_WORD = NOOS / 2n

/** The counts that a reducer of words has: how often, by word. */
export async function wordCounts(network, { chain, account }) {
  const counts = await network.storedMap(chain, account, 'words')
  return new Map(
    [...counts].map(([key, value]) => {
      const [, word] = compactStripLength(hexToU8a(key))
      if (value.length !== 8) throw new Error(`a count: expected 8 bytes, found ${value.length}`)
      return [Buffer.from(word).toString('latin1'), Buffer.from(value).readBigUInt64LE()]
    }),
  )
}

/** A message to an actor, as a call. */
export const message = (chain, to, body, { value = 0n, gas = 1_000_000n } = {}) =>
  chain.api.tx.actors.call(to, value, gas, body)

/** Runs a story with a network, and ends the process with what it came to. */
export function main(chains, story) {
  const run = async () => {
    const network = await Network.connect(chains)
    try {
      await story(network)
    } finally {
      await within(10_000, 'disconnecting', network.disconnect()).catch(() => {})
    }
  }
  run().then(
    () => process.exit(0),
    (error) => {
      console.error(`error: ${error.message}`)
      if (process.env.ASTERISM_TRACE) console.error(error.stack)
      process.exit(1)
    },
  )
}

/** A whole number from an argument, within bounds. */
export function number(name, text, least, most) {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new Error(`--${name}: expected a number from ${least} to ${most}, got ${text}`)
  }
  return value
}
