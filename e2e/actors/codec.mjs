// What actors are told and what they remember, in bytes: messages by the interfaces that actors are published with, as
// any user reads them; storage by the types of the examples; accounts and keys as the chain derives them.

import { PortableRegistry, TypeRegistry } from '@polkadot/types'
import { compactAddLength, hexToU8a, isHex, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util'
import { blake2AsU8a } from '@polkadot/util-crypto'

/** An interface as it is uploaded (primitives/interface): messages, the registry of their types, a service level. */
const INTERFACE = {
  AsterismMessage: { name: 'Text', ty: 'Compact<u32>' },
  AsterismDeadline: { _enum: { Blocks: 'u32', Milliseconds: 'u64' } },
  AsterismService: { price: 'u128', deadline: 'Option<AsterismDeadline>' },
  AsterismInterface: {
    accepts: 'Vec<AsterismMessage>',
    emits: 'Vec<AsterismMessage>',
    types: 'Vec<PortableType>',
    service: 'Option<AsterismService>',
  },
}

/** The interface of an actor: encodes and decodes its messages. */
export class Interface {
  /** Reads an interface from its hexadecimal form, as `cargo run --example …_interfaces` prints it. */
  constructor(hex) {
    if (!isHex(hex)) throw new Error(`interface: expected bytes in hex after 0x, got ${String(hex).slice(0, 20)}`)
    const bytes = hexToU8a(hex)
    const envelope = new TypeRegistry()
    envelope.register(INTERFACE)
    const decoded = envelope.createType('AsterismInterface', bytes)
    if (u8aToHex(decoded.toU8a()) !== hex) throw new Error('interface: expected nothing after its encoding')
    this.hex = hex
    this.registry = new TypeRegistry()
    this.registry.setLookup(new PortableRegistry(this.registry, decoded.types.toU8a(), true))
    const types = (messages) =>
      new Map(messages.map(({ name, ty }) => [name.toString(), this.registry.createLookupType(ty.unwrap())]))
    this.accepts = types(decoded.accepts)
    this.emits = types(decoded.emits)
    this.service = decoded.service.isSome ? decoded.service.unwrap().toJSON() : null
  }

  /** The one type of messages that the actor accepts. */
  accepted() {
    if (this.accepts.size !== 1) throw new Error(`interface: expected one accepted type, got ${this.accepts.size}`)
    return this.accepts.values().next().value
  }

  /** The type of an emitted message by its name. */
  emitted(name) {
    const type = this.emits.get(name)
    if (!type) throw new Error(`interface: expected one of ${[...this.emits.keys()]}, got ${name}`)
    return type
  }

  /** Encodes a message that the actor accepts, in hex: `encode('Bid', { kitty: 1, sale: 1 })`. */
  encode(variant, fields = null) {
    const type = this.accepted()
    this.checkVariant(type, variant)
    return this.registry.createType(type, { [variant]: fields }).toHex()
  }

  /** Encodes a value of the message that the actor accepts by this name, in hex. */
  encodeAs(name, value) {
    const type = this.accepts.get(name)
    if (!type) throw new Error(`interface: expected one of ${[...this.accepts.keys()]}, got ${name}`)
    return this.registry.createType(type, value).toHex(true)
  }

  /** Refuses a variant that the type doesn't have: the library's own types fill gaps between indices with variants of theirs. */
  checkVariant(type, variant) {
    const known = this.registry.lookup.getSiType(type).def.asVariant.variants.map(({ name }) => name.toString())
    if (!known.includes(variant)) throw new Error(`message: expected one of ${known.join(', ')}, got ${variant}`)
  }

  /** Decodes a message that the actor accepts: its variant and fields. */
  decode(hex) {
    const type = this.accepted()
    const bytes = hexToU8a(hex)
    const message = this.registry.createType(type, bytes)
    if (message.encodedLength !== bytes.length) {
      throw new Error(`message: expected ${message.encodedLength} bytes, got ${bytes.length}`)
    }
    this.checkVariant(type, message.type)
    return { variant: message.type, fields: message.inner?.toJSON() ?? null }
  }
}

/** Reads the lines `Name 0x…` that an example prints. */
export function interfaces(text) {
  const lines = text.split('\n').filter((line) => line.trim())
  return Object.fromEntries(
    lines.map((line) => {
      const [name, hex, ...rest] = line.trim().split(/\s+/)
      if (!hex || rest.length) throw new Error(`interfaces: expected lines of a name and hex, got ${line.slice(0, 40)}`)
      return [name, new Interface(hex)]
    }),
  )
}

/**
 * An interface of messages by their names, for actors that aren't written in Rust. A type is the name of a primitive one,
 * `[type, length]` for an array, or `{ field: type, … }` for a struct. Types come in the order in which messages need them, and
 * without names of their own: the registry refuses ballast.
 */
export function describeInterface({ accepts = {}, emits = {} }) {
  const [numbers, order] = [new Map(), []]
  const number = (type) => {
    const key = JSON.stringify(type)
    if (!numbers.has(key)) numbers.set(key, order.push(type) - 1)
    return numbers.get(key)
  }
  const definition = (type) => {
    if (typeof type === 'string') return { Primitive: type[0].toUpperCase() + type.slice(1) }
    if (Array.isArray(type)) return { Array: { len: type[1], type: number(type[0]) } }
    const fields = Object.entries(type).map(([name, of]) => ({ name, type: number(of), typeName: null, docs: [] }))
    return { Composite: { fields } }
  }
  const messages = (of) => Object.entries(of).map(([name, type]) => ({ name, ty: number(type) }))
  const sides = { accepts: messages(accepts), emits: messages(emits) }
  const types = []
  // It grows while it is walked: a type's own types come behind all that are known by then.
  for (const type of order) types.push({ id: types.length, type: { path: [], params: [], def: definition(type), docs: [] } })
  const envelope = new TypeRegistry()
  envelope.register(INTERFACE)
  return new Interface(envelope.createType('AsterismInterface', { ...sides, types, service: null }).toHex())
}

/** What the examples remember. It is no part of their interfaces: mirrors actors/examples. */
const STORED = {
  ActorAddress: { chain: 'u32', account: '[u8; 32]' },
  Bid: { bidder: 'ActorAddress', amount: 'u128' },
  Offer: { reserve: 'u128', blocks: 'u32', auctioneers: 'Vec<ActorAddress>' },
  Record: { owner: 'ActorAddress', sale: 'u32', offer: 'Option<Offer>' },
  Lot: { kitty: 'u32', sale: 'u32', seller: 'ActorAddress', reserve: 'u128', blocks: 'u32', shares: 'u8' },
  Auction: { lot: 'Lot', end: 'u32', top: 'Option<Bid>' },
  Tally: { shares: 'u8', results: 'Vec<(ActorAddress, Option<Bid>)>' },
  Progress: { chunks: 'u32', words: 'u64' },
  Added: { parts: 'u8', set: 'u32' },
}
const stored = new TypeRegistry()
stored.register(STORED)

/** Encodes a value of a storage type, or of a type of its key, in hex. */
export const encodeStored = (type, value) => stored.createType(type, value).toHex(true)

/** Decodes a stored value, or throws if it is something else. */
export function decodeStored(type, bytes) {
  const value = stored.createType(type, bytes)
  if (value.encodedLength !== bytes.length) {
    throw new Error(`stored ${type}: expected ${value.encodedLength} bytes, got ${bytes.length}`)
  }
  return value
}

/** The key of an item of an actor's storage, in hex: the encoding of its name (actors/sdk, storage.rs). */
export const itemKey = (name) => u8aToHex(compactAddLength(stringToU8a(name)))

/** The key of an entry of a map: its name's encoding, then its key's, which is given as bytes. */
export const mapKey = (name, key) => u8aToHex(u8aConcat(compactAddLength(stringToU8a(name)), key))

/** A number as its key in a map: 32 bits, the lowest byte first. */
export const u32 = (number) => {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) throw new Error(`u32: got ${number}`)
  return Uint8Array.of(number & 255, (number >>> 8) & 255, (number >>> 16) & 255, number >>> 24)
}

/** The hash that code is on record by. */
export const codeHash = (code) => u8aToHex(blake2AsU8a(code, 256))

/**
 * The account of the actor that `creator` makes of code with this salt, all 32 bytes, in hex. The chain hashes the SCALE
 * encoding of ("asterism/actor", creator, code hash, salt), where the creator is a slice and so has its length before it.
 */
export function actorAccount(creator, code, salt) {
  const [from, hash, extra] = [creator, code, salt].map((part) => (isHex(part) ? hexToU8a(part) : part))
  for (const [name, part] of Object.entries({ creator: from, code: hash, salt: extra })) {
    if (!(part instanceof Uint8Array) || part.length !== 32) throw new Error(`${name}: expected 32 bytes`)
  }
  return u8aToHex(blake2AsU8a(u8aConcat(stringToU8a('asterism/actor'), compactAddLength(from), hash, extra), 256))
}

/** Bytes and encodings of what WebAssembly code hands to the host (actors/abi). */
const ABI = {
  ActorAddress: STORED.ActorAddress,
  Outgoing: { to: 'ActorAddress', value: 'u128', gas: 'u64', body: 'Bytes' },
  Creation: { code: '[u8; 32]', salt: '[u8; 32]', value: 'u128', gas: 'u64', body: 'Bytes' },
}
const abi = new TypeRegistry()
abi.register(ABI)

/** Encodes `Outgoing` or `Creation`, what the host functions `send` and `create` take. */
export const encodeAbi = (type, value) => abi.createType(type, value).toU8a()
