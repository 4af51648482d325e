// What the demo and the tests share: connections to a network's chains, and waiting for what happens on them.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { hexToU8a } from '@polkadot/util'
import { cryptoWaitReady } from '@polkadot/util-crypto'

/** The units of one noOs. */
export const NOOS = 10n ** 12n
/** The least that an account may hold, in units. */
export const EXISTENTIAL_DEPOSIT = 1_000_000n

/** The endpoints of a development network, unless the environment says otherwise. */
export const endpoints = {
  root: process.env.ASTERISM_ROOT ?? 'ws://127.0.0.1:9944',
  chains: {
    1: process.env.ASTERISM_CHAIN_1 ?? 'ws://127.0.0.1:9945',
    2: process.env.ASTERISM_CHAIN_2 ?? 'ws://127.0.0.1:9946',
  },
}

/** Rejects after so many milliseconds, naming what was waited for. */
export function within(milliseconds, what, promise) {
  let timer
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${milliseconds / 1000} s`)), milliseconds)
  })
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A chain of the network, seen through one node. */
export class Chain {
  constructor(name, url, api, provider) {
    this.name = name
    this.url = url
    this.api = api
    this.provider = provider
  }

  /** Connects, or says which endpoint doesn't answer. */
  static async connect(name, url) {
    const provider = new WsProvider(url, 2_500)
    try {
      const api = await within(20_000, 'connecting', ApiPromise.create({ provider, noInitWarn: true }))
      return new Chain(name, url, api, provider)
    } catch (error) {
      await provider.disconnect().catch(() => {})
      throw new Error(`${name} at ${url}: ${error.message}; is the network running?`)
    }
  }

  async disconnect() {
    await this.api.disconnect()
  }

  /** Calls a method of our own RPC namespaces. */
  rpc(method, ...params) {
    return this.provider.send(method, params)
  }

  /** Calls a runtime API at a block and decodes the answer as a type. */
  async call(method, type, hash, argument = '0x') {
    const answer = await this.provider.send('state_call', hash ? [method, argument, hash] : [method, argument])
    // As bytes: polkadot.js takes a hex string for a number written out.
    return this.api.registry.createType(type, hexToU8a(answer))
  }

  /** The chain's id. */
  async chainId() {
    return (await this.call('ChainApi_chain_id', 'u32')).toNumber()
  }

  /** Waits until the node says that a message of this chain has reached one of these states, and returns its answer. */
  async messageState(destination, nonce, states, milliseconds = 60_000) {
    const end = Date.now() + milliseconds
    for (;;) {
      const answer = await this.rpc('messages_state', destination, nonce)
      if (states.includes(answer.state)) return answer
      if (Date.now() > end) {
        throw new Error(`${this.name}: message ${nonce} is ${answer.state} after ${milliseconds / 1000} s, not ${states}`)
      }
      await sleep(100)
    }
  }

  /** What an account may spend, in units. */
  async balance(account) {
    return (await this.api.query.system.account(account)).data.free.toBigInt()
  }

  /** A block with its events: each with section, method, and data by field. */
  async block(hash) {
    const [header, records] = await Promise.all([
      this.api.rpc.chain.getHeader(hash),
      (await this.api.at(hash)).query.system.events(),
    ])
    const events = records.map(({ event, phase }) => ({
      section: event.section,
      method: event.method,
      data: Object.fromEntries(event.data.names?.map((name, i) => [name, event.data[i]]) ?? []),
      extrinsic: phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : undefined,
    }))
    return { number: header.number.toNumber(), hash: hash.toString(), events }
  }

  /** The number of the best block. */
  async best() {
    return (await this.api.rpc.chain.getHeader()).number.toNumber()
  }

  /** The final head. */
  async final() {
    const hash = await this.api.rpc.chain.getFinalizedHead()
    return { hash: hash.toString(), number: (await this.api.rpc.chain.getHeader(hash)).number.toNumber() }
  }

  /**
   * The first block from number `from` on with an event that `matches`, as soon as it is on the best chain. A block
   * that is replaced by another one is searched again.
   */
  async find(from, what, matches, milliseconds = 60_000) {
    const end = Date.now() + milliseconds
    const searched = new Map()
    for (;;) {
      const best = await this.best()
      for (let number = from; number <= best; number++) {
        const hash = (await this.api.rpc.chain.getBlockHash(number)).toString()
        if (searched.get(number) === hash) continue
        const block = await this.block(hash)
        const event = block.events.find(matches)
        if (event) return { ...block, event }
        searched.set(number, hash)
      }
      if (Date.now() > end) throw new Error(`${this.name}: no ${what} within ${milliseconds / 1000} s`)
      await sleep(50)
    }
  }

  /** Waits until a block is final; throws if another one is, at its height. */
  async finalized({ number, hash }, milliseconds = 60_000) {
    const end = Date.now() + milliseconds
    while ((await this.final()).number < number) {
      if (Date.now() > end) throw new Error(`${this.name}: block ${number} not final within ${milliseconds / 1000} s`)
      await sleep(50)
    }
    const final = (await this.api.rpc.chain.getBlockHash(number)).toString()
    if (final !== hash) throw new Error(`${this.name}: block ${number} became ${final}, not ${hash}`)
  }

  /** Signs and submits; resolves with the block that includes it and its events, rejects if it fails. */
  submit(extrinsic, signer) {
    return new Promise((resolve, reject) => {
      let unsubscribe
      const done = (action) => {
        unsubscribe?.()
        action()
      }
      extrinsic
        .signAndSend(signer, { nonce: -1 }, ({ status, events, dispatchError, txIndex }) => {
          // Where finality follows within milliseconds, the library may tell of it alone.
          if (status.isInBlock || status.isFinalized) {
            const hash = (status.isInBlock ? status.asInBlock : status.asFinalized).toString()
            if (!dispatchError) return done(() => resolve({ hash, events, txIndex }))
            const error = dispatchError.isModule ? this.api.registry.findMetaError(dispatchError.asModule) : undefined
            done(() => reject(new Error(error ? `${error.section}.${error.name}` : dispatchError.toString())))
          } else if (status.isDropped || status.isInvalid || status.isUsurped) {
            done(() => reject(new Error(`${this.name}: the transaction is ${status.type}`)))
          }
        })
        .then((stop) => (unsubscribe = stop), reject)
    })
  }
}

/** Whether an event is this one, and its fields are these. */
export const event = (section, method, fields = {}) => (candidate) =>
  candidate.section === section &&
  candidate.method === method &&
  Object.entries(fields).every(([name, value]) => String(candidate.data[name]) === String(value))

/** The development accounts. */
export async function keyring() {
  await cryptoWaitReady()
  const ring = new Keyring({ type: 'sr25519', ss58Format: 42 })
  return (uri) => ring.addFromUri(uri)
}

/** An amount of units in noOs. */
export function noos(units) {
  const sign = units < 0n ? '-' : ''
  const absolute = units < 0n ? -units : units
  const fraction = (absolute % NOOS).toString().padStart(12, '0').replace(/0+$/, '')
  return `${sign}${absolute / NOOS}${fraction ? '.' + fraction : ''} noOs`
}

/** The middle of a list of numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Transfers from one chain to another, and follows the message to its end. `stage` hears of each stage: its name,
 * the chain, the block and the milliseconds since submission.
 */
export async function transfer({ root, from, to, destination, source, signer, recipient, amount, stage = () => {} }) {
  const [rootStart, toStart] = await Promise.all([root.best(), to.best()])
  const begin = performance.now()
  const times = {}
  const reached = (name, chain, block) => {
    times[name] = performance.now() - begin
    stage(name, chain, block, times[name])
  }

  const call = from.api.tx.actors.transfer({ chain: destination, account: recipient }, amount)
  const { hash } = await within(60_000, `${from.name}: inclusion`, from.submit(call, signer))
  const included = await from.block(hash)
  const sender = signer.address
  const sent = included.events.find(event('messages', 'Sent', { destination, sender, recipient, value: amount }))
  if (!sent) throw new Error(`${from.name}: block ${included.number} has no messages.Sent of this transfer`)
  const nonce = sent.data.nonce.toNumber()
  reached('included', from, included)

  const follow = async () => {
    const checkpointed = (e) =>
      event('checkpoints', 'Checkpointed', { chain: source })(e) && e.data.number.toNumber() >= included.number
    const anchor = await root.find(rootStart + 1, `checkpoint of ${from.name}'s block ${included.number}`, checkpointed)
    reached('anchored', root, anchor)
    await root.finalized(anchor)
    reached('anchor final', root, anchor)
  }
  const arrive = async () => {
    const taken = (e) =>
      event('messages', 'Delivered', { source, nonce })(e) || event('messages', 'Refused', { source, nonce })(e)
    const delivery = await to.find(toStart + 1, `delivery of message ${nonce}`, taken)
    const refused = delivery.event.method === 'Refused'
    reached(refused ? 'refused' : 'delivered', to, delivery)
    await to.finalized(delivery)
    reached(refused ? 'refusal final' : 'delivery final', to, delivery)
    return delivery
  }
  const [, , delivery] = await Promise.all([
    from.finalized(included).then(() => reached('final', from, included)),
    follow(),
    arrive(),
  ])
  return { nonce, included, delivery, times }
}
