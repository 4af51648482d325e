// Moves value from chain 1 to chain 2 and prints each stage with its block.
//
// usage: node demo.mjs [--count <n>] [--amount <noOs>] [--root <url>] [--from <url>] [--to <url>]

import { parseArgs } from 'node:util'
import { Chain, NOOS, endpoints, keyring, median, noos, transfer } from './network.mjs'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1' },
    amount: { type: 'string', default: '1' },
    root: { type: 'string', default: endpoints.root },
    from: { type: 'string', default: endpoints.chains[1] },
    to: { type: 'string', default: endpoints.chains[2] },
  },
})

const count = Number(values.count)
if (!Number.isInteger(count) || count < 1) throw new Error(`--count: expected a number from 1, got ${values.count}`)
if (!/^\d{1,9}$/.test(values.amount) || Number(values.amount) < 1) {
  throw new Error(`--amount: expected whole noOs from 1, got ${values.amount}`)
}
const amount = BigInt(values.amount) * NOOS

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`

async function main() {
  const uri = await keyring()
  const [alice, bob] = [uri('//Alice'), uri('//Bob')]
  const [root, from, to] = await Promise.all([
    Chain.connect('root chain', values.root),
    Chain.connect('chain 1', values.from),
    Chain.connect('chain 2', values.to),
  ])
  const [source, destination] = await Promise.all([from.chainId(), to.chainId()])
  ;[from.name, to.name] = [`chain ${source}`, `chain ${destination}`]

  const balances = async () => ({ alice: await from.balance(alice.address), bob: await to.balance(bob.address) })
  const before = await balances()
  console.log(`Alice on ${from.name}: ${noos(before.alice)}`)
  console.log(`Bob on ${to.name}:   ${noos(before.bob)}`)

  const runs = []
  for (let i = 1; i <= count; i++) {
    const title = count > 1 ? `transfer ${i} of ${count}: ` : ''
    console.log(`\n${title}${noos(amount)} from Alice on ${from.name} to Bob on ${to.name}`)
    const stage = (name, chain, block, time) =>
      console.log(
        `  ${seconds(time).padStart(8)}  ${name.padEnd(14)}  ${chain.name}, block ${block.number} ${block.hash}`,
      )
    const run = await transfer({
      root,
      from,
      to,
      source,
      destination,
      signer: alice,
      recipient: bob.address,
      amount,
      stage,
    })
    console.log(`            message ${run.nonce} of the channel ${source} → ${destination}`)
    if (!('delivered' in run.times)) throw new Error('the message was refused; its value goes back to Alice')
    const state = await from.messageState(destination, run.nonce, ['delivered'])
    console.log(`            messages_state on ${from.name}: ${JSON.stringify(state)}`)
    runs.push(run.times)
  }

  const after = await balances()
  const line = (who, a, b) => console.log(`${who} ${noos(a)} → ${noos(b)} (${noos(b - a)})`)
  console.log()
  line(`Alice on ${from.name}:`, before.alice, after.alice)
  line(`Bob on ${to.name}:  `, before.bob, after.bob)
  const moved = amount * BigInt(count)
  if (before.alice - after.alice !== moved || after.bob - before.bob !== moved) {
    throw new Error('these are not the balances that were expected: does somebody else use these accounts?')
  }

  console.log(count > 1 ? `\nmedians of ${count} transfers, from submission:` : '\nfrom submission:')
  for (const [name, text] of [
    ['included', 'in a block of the source'],
    ['final', 'final on the source'],
    ['anchored', 'checkpoint in a root block'],
    ['anchor final', 'checkpoint final'],
    ['delivered', 'delivered in a block of the destination'],
    ['delivery final', 'delivery final'],
  ]) {
    console.log(`  ${seconds(median(runs.map((times) => times[name]))).padStart(8)}  ${text}`)
  }
  await Promise.all([root, from, to].map((chain) => chain.disconnect()))
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(`error: ${error.message}`)
    process.exit(1)
  },
)
