// End-to-end tests of a running development network, by the clients that users use. scripts/test starts one.

import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'polkadot-api'
import { getPolkadotSigner } from 'polkadot-api/signer'
import { getWsProvider } from 'polkadot-api/ws'
import WebSocket from 'ws'
import { watch } from './conservation.mjs'
import { Chain, EXISTENTIAL_DEPOSIT, NOOS, endpoints, event, keyring, noos, transfer, within } from './network.mjs'

// Node.js 18 has it under another name.
globalThis.crypto ??= webcrypto

let root, one, two, uri

before(async () => {
  uri = await keyring()
  ;[root, one, two] = await Promise.all([
    Chain.connect('root chain', endpoints.root),
    Chain.connect('chain 1', endpoints.chains[1]),
    Chain.connect('chain 2', endpoints.chains[2]),
  ])
})

after(async () => {
  await Promise.all([root, one, two].map((chain) => chain?.disconnect()))
})

/** An account that nobody has used, by the time and a number. */
let fresh = 0
const newcomer = () => uri(`//Newcomer${Date.now()}-${fresh++}`)

const from1to2 = (rest) => transfer({ root, from: one, to: two, source: 1, destination: 2, ...rest })
const from2to1 = (rest) => transfer({ root, from: two, to: one, source: 2, destination: 1, ...rest })

describe('the network', () => {
  test('each chain says which one it is', async () => {
    assert.deepEqual(await Promise.all([root, one, two].map((chain) => chain.chainId())), [0, 1, 2])
  })

  test('each chain finalizes blocks, about one a second', async () => {
    for (const chain of [root, one, two]) {
      const begin = await chain.final()
      const time = performance.now()
      await within(
        60_000,
        `${chain.name}: five more final blocks`,
        new Promise((resolve, reject) => {
          let stop
          chain.api.rpc.chain
            .subscribeFinalizedHeads((header) => {
              if (header.number.toNumber() < begin.number + 5) return
              stop?.()
              resolve()
            })
            .then((unsubscribe) => (stop = unsubscribe), reject)
        }),
      )
      const each = (performance.now() - time) / 5
      assert.ok(each < 4_000, `${chain.name}: ${each.toFixed(0)} ms a block`)
    }
  })

  test('wallets learn how amounts and addresses look', async () => {
    for (const chain of [root, one, two]) {
      assert.deepEqual(chain.api.registry.chainTokens, ['noOs'])
      assert.deepEqual(chain.api.registry.chainDecimals, [12])
      assert.equal(chain.api.registry.chainSS58, 42)
    }
  })

  test('a final block has a certificate', async () => {
    for (const chain of [root, one, two]) {
      const { hash } = await chain.final()
      const answer = await chain.rpc('consensus_certificate', hash)
      assert.ok(answer, `${chain.name}: no certificate of ${hash}`)
      assert.ok(JSON.stringify(answer).includes(hash.slice(2)), `${chain.name}: it names the block`)
    }
  })
})

describe('transfers', () => {
  test('within a chain', async () => {
    const [alice, recipient] = [uri('//Alice'), newcomer()]
    const call = one.api.tx.actors.transfer({ chain: 1, account: recipient.address }, NOOS)
    await within(60_000, 'inclusion', one.submit(call, alice))
    assert.equal(await one.balance(recipient.address), NOOS)
  })

  for (const [name, run, from, to, destination] of [
    ['from chain 1 to chain 2', from1to2, () => one, () => two, 2],
    ['from chain 2 to chain 1', from2to1, () => two, () => one, 1],
  ]) {
    test(name, async () => {
      const [alice, recipient] = [uri('//Alice'), newcomer()]
      const had = await from().balance(alice.address)
      const amount = 5n * NOOS
      const { nonce, delivery, times } = await run({ signer: alice, recipient: recipient.address, amount })
      assert.equal(delivery.event.method, 'Delivered')
      assert.equal(await to().balance(recipient.address), amount)
      assert.equal(await from().balance(alice.address), had - amount)
      assert.ok(
        delivery.events.some(event('actors', 'Deposited', { to: recipient.address, amount })),
        'the destination says who got it',
      )
      await from().messageState(destination, nonce, ['delivered'])
      console.log(`      delivered after ${(times.delivered / 1000).toFixed(2)} s`)
    })
  }

  test('what a new account could not hold goes back to its sender', async () => {
    const [charlie, recipient] = [uri('//Charlie'), newcomer()]
    const had = await one.balance(charlie.address)
    const amount = EXISTENTIAL_DEPOSIT - 1n
    const start = await one.best()
    const { nonce, delivery } = await from1to2({ signer: charlie, recipient: recipient.address, amount })
    assert.equal(delivery.event.method, 'Refused')
    assert.match(delivery.event.data.reason.toString(), /BelowMinimum/i)
    await one.find(start + 1, 'bounce', event('messages', 'Bounced', { destination: 2, nonce }))
    assert.equal(await two.balance(recipient.address), 0n)
    assert.equal(await one.balance(charlie.address), had)
    const { reason } = await one.messageState(2, nonce, ['bounced'])
    assert.equal(reason, 'belowMinimum')
  })

  test('more than the sender has is refused', async () => {
    const dave = uri('//Dave')
    const had = await one.balance(dave.address)
    const call = one.api.tx.actors.transfer({ chain: 2, account: dave.address }, had + 1n)
    await assert.rejects(within(60_000, 'inclusion', one.submit(call, dave)), /Funds|Token|balance/i)
    assert.equal(await one.balance(dave.address), had)
  })

  test('the root chain takes none', async () => {
    const dave = uri('//Dave')
    const call = one.api.tx.actors.transfer({ chain: 0, account: dave.address }, NOOS)
    await assert.rejects(within(60_000, 'inclusion', one.submit(call, dave)), /RootDestination/)
  })

  // Eve sends each of these amounts to its recipient, on chain 2. What is deposited there, in order, until it is all.
  const send = async (transfers) => {
    const eve = uri('//Eve')
    const start = await two.best()
    let nonce = (await one.api.rpc.system.accountNextIndex(eve.address)).toNumber()
    for (const [recipient, amount] of transfers) {
      const call = one.api.tx.actors.transfer({ chain: 2, account: recipient }, amount)
      await call.signAndSend(eve, { nonce: nonce++ })
    }
    const recipients = new Set(transfers.map(([recipient]) => recipient))
    const notes = [...recipients].map((to) => event('actors', 'Deposited', { to }))
    const note = (e) => notes.some((of) => of(e))
    let missing = transfers.reduce((sum, [, amount]) => sum + amount, 0n)
    const arrived = []
    let from = start + 1
    while (missing > 0n) {
      const block = await two.find(from, 'deposit', note)
      for (const { data } of block.events.filter(note)) {
        arrived.push([data.to.toString(), data.amount.toBigInt()])
        missing -= data.amount.toBigInt()
      }
      from = block.number + 1
    }
    for (const to of recipients) {
      const total = transfers.filter(([of]) => of === to).reduce((sum, [, amount]) => sum + amount, 0n)
      assert.equal(await two.balance(to), total)
    }
    return arrived
  }
  const amounts = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].map((n) => n * NOOS)

  test('messages of a channel arrive in order, and none is lost', async () => {
    const transfers = amounts.map((amount) => [newcomer().address, amount])
    assert.deepEqual(await send(transfers), transfers)
  })

  test('deposits of one block for the same account are one message', async () => {
    const recipient = newcomer().address
    const arrived = await send(amounts.map((amount) => [recipient, amount]))
    // Each is the sum of the next ones: those that were in a block together.
    const rest = [...amounts]
    for (const [, sum] of arrived) {
      let taken = 0n
      while (taken < sum && rest.length > 0) taken += rest.shift()
      assert.equal(taken, sum)
    }
    assert.equal(rest.length, 0)
    assert.ok(arrived.length < amounts.length, `${arrived.length} messages for ${amounts.length} transfers at once`)
  })
})

describe('conservation', () => {
  test('holds at every root block while value moves', async () => {
    const chains = new Map([[1, one], [2, two]])
    let moving = true
    let flew = false
    const watching = watch(root, chains, {
      done: () => !moving,
      report: ({ flying }) => (flew ||= flying > 0n),
    })
    // A failed check is thrown where it is awaited, below.
    watching.catch(() => {})
    const [ferdie, alice] = [uri('//Ferdie'), uri('//Alice')]
    for (let i = 0; i < 3; i++) {
      await Promise.all([
        from1to2({ signer: ferdie, recipient: newcomer().address, amount: NOOS }),
        from2to1({ signer: alice, recipient: newcomer().address, amount: i % 2 ? 1n : NOOS }),
      ])
    }
    moving = false
    const blocks = await within(60_000, 'the last check', watching)
    assert.ok(blocks >= 3, `${blocks} root blocks were checked`)
    assert.ok(flew, 'value was in flight at one of them')
  })

  test('the node says the same', async () => {
    for (const method of ['network_chains', 'network_holdings', 'network_inFlight']) {
      assert.ok(await root.rpc(method), method)
    }
    const holdings = JSON.stringify(await root.rpc('network_holdings'))
    assert.match(holdings, /\d{15,}/, `amounts in units: ${holdings}`)
  })
})

describe('our RPC methods refuse what makes no sense', () => {
  for (const [method, ...params] of [
    ['messages_state'],
    ['messages_state', 'two', 0],
    ['messages_state', -1, 0],
    ['messages_state', 2, '9'.repeat(10_000)],
    ['consensus_certificate', '0x00'],
    ['consensus_certificate', { hash: 1 }],
  ]) {
    test(`${method} ${JSON.stringify(params).slice(0, 60)}`, async () => {
      await assert.rejects(one.rpc(method, ...params), /expected|missing|invalid/i)
      assert.equal(await one.chainId(), 1)
    })
  }
})

describe('polkadot-api, by the new JSON-RPC methods', () => {
  test('connects, decodes, submits', { timeout: 120_000 }, async () => {
    const client = createClient(getWsProvider(endpoints.chains[1], { websocketClass: WebSocket }))
    try {
      const [spec, block] = await Promise.all([client.getChainSpecData(), client.getFinalizedBlock()])
      assert.equal(spec.properties.tokenSymbol, 'noOs')
      assert.equal(spec.genesisHash, one.api.genesisHash.toHex())
      assert.ok(block.number >= 0)

      const api = client.getUnsafeApi()
      const [bob, recipient] = [uri('//Bob'), newcomer()]
      const account = await api.query.System.Account.getValue(bob.address)
      assert.equal(account.data.free, await one.balance(bob.address))
      const deposit = await api.constants.Balances.ExistentialDeposit()
      assert.equal(deposit, EXISTENTIAL_DEPOSIT)

      const signer = getPolkadotSigner(bob.publicKey, 'Sr25519', (bytes) => bob.sign(bytes))
      const amount = 2n * NOOS
      const call = api.tx.Actors.transfer({ destination: { chain: 1, account: recipient.address }, amount })
      const result = await call.signAndSubmit(signer)
      assert.ok(result.ok, JSON.stringify(result.dispatchError))
      const moved = result.events.find((e) => e.type === 'Actors' && e.value.type === 'Transferred')
      assert.ok(moved, 'the event is decoded')
      assert.equal(moved.value.value.amount, amount)
      assert.equal(await one.balance(recipient.address), amount, noos(amount))
    } finally {
      client.destroy()
    }
  })
})
