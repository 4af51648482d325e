use crate::*;
use asterism_primitives::{
	beacon::{GenesisBeacon, MAX_OUTPUT_BYTES},
	committee::{BlsPublic, CommitteeError, MemberId},
	AccountId, Balance, ChainParameters,
};
use codec::Encode;
use polkadot_sdk::{
	sc_chain_spec::ChainType,
	sp_core::{crypto::Ss58Codec, sr25519, Pair},
	sp_runtime::BuildStorage,
};
use proptest::prelude::*;
use std::sync::LazyLock;

const NOOS: Balance = 1_000_000_000_000;

/// Keys of a seed: any that differ from seed to seed will do here.
fn member(seed: &str) -> Result<Member, String> {
	let pair = sr25519::Pair::from_string(seed, None).map_err(|e| format!("{e:?}"))?;
	let secret =
		blst::min_sig::SecretKey::key_gen(pair.public().as_ref(), &[]).map_err(|e| format!("{e:?}"))?;
	Ok(Member {
		id: MemberId(pair.public().0),
		key: BlsPublic(secret.sk_to_pk().to_bytes()),
	})
}

/// What the node brings: here, anything that tells right from wrong.
struct Keys;

impl Cryptography for Keys {
	fn member(&self, seed: &str) -> Result<Member, String> {
		member(seed)
	}

	fn deal(&self, members: &[MemberId]) -> Result<GenesisBeacon, String> {
		assert!(!members.is_empty() && members.windows(2).all(|pair| pair[0] < pair[1]));
		let secret =
			blst::min_sig::SecretKey::key_gen(&members.encode(), &[]).map_err(|e| format!("{e:?}"))?;
		Ok(GenesisBeacon {
			group_key: BlsPublic(secret.sk_to_pk().to_bytes()),
			players: members.to_vec(),
			output: b"shares".to_vec(),
		})
	}

	fn check(&self, beacon: &GenesisBeacon) -> Result<(), String> {
		match &beacon.output[..] {
			b"shares" => Ok(()),
			_ => Err("the output shares another key".into()),
		}
	}
}

fn parse(text: &str) -> Result<Plan, Error> {
	Plan::parse(text, None, &Keys)
}

fn ss58(seed: &str) -> String {
	AccountId::new(member(seed).unwrap().id.0).to_ss58check()
}

fn entry(seed: &str) -> String {
	let member = member(seed).unwrap();
	format!("{{ id = \"{}\", key = \"{}\" }}", ss58(seed), member.key)
}

/// A live network of two members and two chains.
fn live() -> String {
	let committee = format!("[{}, {}]", entry("//One"), entry("//Two"));
	let chain = |id: u32| {
		format!(
			"[[chains]]\nid = {id}\ncommittee = {committee}\n[chains.accounts]\n\"{}\" = \"{}.5\"\n",
			ss58("//Rich"),
			id * 100
		)
	};
	format!(
		"name = \"Live\"\nid = \"live\"\ntype = \"live\"\n\
		 telemetry = [{{ url = \"wss://telemetry.example.org/submit/\", verbosity = 1 }}]\n\
		 [root]\nblock_interval = 2000\ncommittee = {committee}\n{}{}",
		chain(1),
		chain(7),
	)
}

/// The smallest development network, with lines to replace.
const SMALL: &str = r#"
name = "Small"
id = "small"
type = "development"
#top
[root]
committee = ["//Alice"]
#root
[[chains]]
id = 1
committee = ["//Alice"]
#chain
[[chains]]
id = 2
committee = ["//Alice"]
#second
"#;

#[test]
fn a_network_file_says_what_the_plan_says() {
	let plan = parse(&live()).unwrap();
	assert_eq!((plan.name.as_str(), plan.id.as_str()), ("Live", "live"));
	assert_eq!(plan.chain_type, ChainType::Live);
	assert!(plan.telemetry.is_some());
	assert_eq!(plan.sudo, None);
	assert_eq!(plan.chains.keys().map(|c| c.0).collect::<Vec<_>>(), [0, 1, 7]);
	assert_eq!(
		plan.chains.keys().map(|c| plan.spec_id(*c)).collect::<Vec<_>>(),
		["live-root", "live-1", "live-7"]
	);
	let (root, seven) = (&plan.chains[&ChainId(0)], &plan.chains[&ChainId(7)]);
	assert_eq!((root.name.as_str(), seven.name.as_str()), ("Live Root", "Live 7"));
	assert_eq!(
		(root.parameters.block_interval, seven.parameters.block_interval),
		(2_000, 1_000)
	);
	assert_eq!((root.committee.size(), root.committee.epoch()), (2, 0));
	assert!(root.accounts.is_empty());
	assert_eq!(
		seven.accounts.values().copied().collect::<Vec<_>>(),
		[700 * NOOS + NOOS / 2]
	);
}

#[test]
fn seeds_and_written_keys_name_the_same_member() {
	let plan = parse(SMALL).unwrap();
	let written = SMALL.replace(
		"committee = [\"//Alice\"]",
		&format!("committee = [{}]", entry("//Alice")),
	);
	let hex = SMALL.replace(
		"committee = [\"//Alice\"]",
		&format!(
			"committee = [{{ id = \"{}\", key = \"{}\" }}]",
			member("//Alice").unwrap().id,
			member("//Alice")
				.unwrap()
				.key
				.to_string()
				.trim_start_matches("0x")
		),
	);
	for text in [written, hex] {
		assert_eq!(
			parse(&text).unwrap().chains[&ChainId(1)].committee,
			plan.chains[&ChainId(1)].committee
		);
	}
}

/// Each way to get a network file wrong, with the message it earns.
#[test]
fn errors_name_the_field_and_what_was_expected() {
	let key = member("//Alice").unwrap().key.to_string();
	let alice = ss58("//Alice");
	let short = format!("{{ id = \"{alice}\", key = \"{}\" }}", &key[..key.len() - 2]);
	let no_point = format!("{{ id = \"{alice}\", key = \"0x{}\" }}", "11".repeat(96));
	let infinity = format!("{{ id = \"{alice}\", key = \"0xc0{}\" }}", "00".repeat(95));
	let no_hex = format!("{{ id = \"{alice}\", key = \"0x{}\" }}", "zz".repeat(96));
	let other_network = AccountId::new([7; 32]).to_ss58check_with_version(0u16.into());
	let shared_key = format!("{{ id = \"{}\", key = \"{key}\" }}", ss58("//Bob"));
	let crowd: Vec<_> = (0..257).map(|i| format!("\"//{i}\"")).collect();
	let in_first = |new: &str| SMALL.replacen("committee = [\"//Alice\"]\n#chain", new, 1);
	let in_second = |new: &str| SMALL.replacen("committee = [\"//Alice\"]\n#second", new, 1);
	let top = |old: &str, new: &str| SMALL.replacen(old, new, 1);

	let cases: Vec<(String, String)> = [
		// Names, ids, types.
		(top("name = \"Small\"", ""), "name: missing, expected a name of 1 to 64 printable characters"),
		(top("\"Small\"", "\"\""), "name: expected a name of 1 to 64 printable characters, got ``"),
		(top("\"Small\"", "5"), "name: expected a name of 1 to 64 printable characters, got an integer"),
		(
			top("\"small\"", "\"../../etc\""),
			"id: expected an id of 1 to 32 characters a-z, 0-9 and -, which begins with a letter, got `../../etc`",
		),
		(
			top("\"small\"", "\"Small\""),
			"id: expected an id of 1 to 32 characters a-z, 0-9 and -, which begins with a letter, got `Small`",
		),
		(top("\"development\"", "\"test\""), "type: expected one of development, local, live, got `test`"),
		// Structure.
		(top("#top", "chian = 1"), "chian: unknown field, expected one of name, id, type, telemetry, beacon, security, root, chains, nodes"),
		(
			top("#root", "epoch = 1"),
			"root.epoch: unknown field, expected one of name, block_interval, epoch_length, committee_size, sudo, bootnodes, committee, accounts",
		),
		(
			top("#second", "blok_interval = 1"),
			"chains[1].blok_interval: unknown field, expected one of id, name, block_interval, epoch_length, committee_size, bootnodes, committee, accounts",
		),
		(top("[root]", "root = 1\n[other]"), "other: unknown field, expected one of name, id, type, telemetry, beacon, security, root, chains, nodes"),
		("name = \"x\"\nid = \"x\"\ntype = \"local\"\nroot = 1".into(), "root: expected a table, got an integer"),
		("name = \"x\"\nid = \"x\"\ntype = \"local\"".into(), "root: missing, expected a table [root]"),
		(
			"name = \"x\"\nid = \"x\"\ntype = \"local\"\n[root]\ncommittee = [\"//A\"]".into(),
			"chains: missing, expected at least one table [[chains]]",
		),
		(
			"name = \"x\"\nid = \"x\"\ntype = \"local\"\nchains = 5\n[root]\ncommittee = [\"//A\"]".into(),
			"chains: expected an array of tables [[chains]], got an integer",
		),
		(
			format!("{SMALL}{}", (3..1026).map(|i| format!("[[chains]]\nid = {i}\n")).collect::<String>()),
			"chains: expected at most 1024, got 1025",
		),
		// Chain ids.
		(top("id = 1\n", ""), "chains[0].id: missing, expected the chain's number, from 1"),
		(top("id = 1\n", "id = 0\n"), "chains[0].id: expected 1 to 4294967295, got 0"),
		(top("id = 1\n", "id = 4294967296\n"), "chains[0].id: expected 1 to 4294967295, got 4294967296"),
		(top("id = 1\n", "id = \"1\"\n"), "chains[0].id: expected the chain's number, from 1, got a string"),
		(top("id = 2\n", "id = 1\n"), "chains[1].id: the same as chains[0].id, expected each once"),
		// Parameters.
		(top("#root", "block_interval = 199"), "root.block_interval: expected 200 to 60000, got 199"),
		(top("#second", "block_interval = 60001"), "chains[1].block_interval: expected 200 to 60000, got 60001"),
		(top("#second", "block_interval = -1000"), "chains[1].block_interval: expected 200 to 60000, got -1000"),
		(top("#second", "block_interval = 1.5"), "chains[1].block_interval: expected milliseconds, got a float"),
		(top("#chain", "epoch_length = 3\n"), "chains[0].epoch_length: expected 4 to 4294967295 blocks, or 0 if the first committee stays for ever, got 3"),
		(top("#root", "epoch_length = -1\n"), "root.epoch_length: expected 4 to 4294967295 blocks, or 0 if the first committee stays for ever, got -1"),
		(top("#root", "epoch_length = 4294967296\n"), "root.epoch_length: expected 4 to 4294967295 blocks, or 0 if the first committee stays for ever, got 4294967296"),
		(top("#root", "epoch_length = \"1h\"\n"), "root.epoch_length: expected a number of blocks, got a string"),
		(
			top("#root", "epoch_length = 60\n"),
			"root.epoch_length: expected 0 or the field beacon: a network without beacon has no seeds, so nobody is ever elected",
		),
		(
			top("#second", "epoch_length = 60\n"),
			"chains[1].epoch_length: expected 0 or the field beacon: a network without beacon has no seeds, so nobody is ever elected",
		),
		(top("#root", "committee_size = 0\n"), "root.committee_size: expected 1 to 128, got 0"),
		(top("#chain", "committee_size = 129\n"), "chains[0].committee_size: expected 1 to 128, got 129"),
		(top("#chain", "committee_size = 1.5\n"), "chains[0].committee_size: expected a number of members, got a float"),
		// The beacon.
		(top("#top", "beacon = \"made\""), "beacon: expected one of dealt, { file = \"…\" }, got `made`"),
		(top("#top", "beacon = true"), "beacon: expected \"dealt\" or { file = \"…\" }, got a boolean"),
		(top("#top", "beacon = {}"), "beacon.file: missing, expected the file that `asterism beacon finish` has written"),
		(
			top("#top", "beacon = { path = \"b.json\" }"),
			"beacon.path: unknown field, expected one of file",
		),
		(
			top("#top", "beacon = { file = \"b.json\" }"),
			"beacon.file: expected no other file: this network file is in no folder",
		),
		// Committees.
		(in_first(""), "chains[0].committee: a committee needs at least one member"),
		(in_first("committee = []"), "chains[0].committee: a committee needs at least one member"),
		(in_first("committee = \"//Alice\""), "chains[0].committee: expected an array of members, got a string"),
		(
			in_first(&format!("committee = [{}]", crowd.join(", "))),
			"chains[0].committee: a committee has at most 256 members",
		),
		(
			in_second("committee = [\"//Alice\", \"//Bob\", \"//Alice\"]"),
			"chains[1].committee[2]: the same as chains[1].committee[0], expected each once",
		),
		(
			in_second(&format!("committee = [\"//Alice\", {shared_key}]")),
			"chains[1].committee[1]: the same as chains[1].committee[0], expected each once",
		),
		(in_second("committee = [1]"), "chains[1].committee[0]: expected a table, got an integer"),
		(
			in_second("committee = [\"Alice\"]"),
			"chains[1].committee[0]: expected a development seed such as //Alice: got `Alice`",
		),
		(
			in_second(&format!("committee = [{{ id = \"{alice}\" }}]")),
			"chains[1].committee[0].key: missing, expected the member's BLS12-381 public key in hex",
		),
		(
			in_second(&format!("committee = [{{ id = \"{alice}\", key = \"{key}\", stake = 1 }}]")),
			"chains[1].committee[0].stake: unknown field, expected one of id, key",
		),
		(
			in_second(&format!("committee = [{{ id = \"5Nobody\", key = \"{key}\" }}]")),
			"chains[1].committee[0].id: expected an ss58 address, 32 bytes in hex (0x…) or a development seed \
			 (//Alice), got `5Nobody`",
		),
		(
			in_second(&format!("committee = [{{ id = \"0x0102\", key = \"{key}\" }}]")),
			"chains[1].committee[0].id: expected an ss58 address, 32 bytes in hex (0x…) or a development seed \
			 (//Alice), got `0x0102`",
		),
		(
			in_second(&format!("committee = [{{ id = \"{other_network}\", key = \"{key}\" }}]")),
			"chains[1].committee[0].id: expected an ss58 address with prefix 42, got one with prefix 0: of another \
			 network",
		),
		(
			in_second(&format!("committee = [{short}]")),
			"chains[1].committee[0].key: expected 96 bytes in hex (a BLS12-381 public key in G2), got 95",
		),
		(
			in_second(&format!("committee = [{no_hex}]")),
			"chains[1].committee[0].key: expected 96 bytes in hex (a BLS12-381 public key in G2), got other characters",
		),
		(
			in_second(&format!("committee = [{no_point}]")),
			"chains[1].committee[0].key: expected a BLS12-381 public key in G2, got bytes that are not a compressed \
			 point of that group",
		),
		(
			in_second(&format!("committee = [{infinity}]")),
			"chains[1].committee[0].key: expected a BLS12-381 public key in G2, got bytes that are not a compressed \
			 point of that group",
		),
		// Accounts and amounts.
		(
			top("#chain", "accounts = { \"//Bob\" = 5 }"),
			"chains[0].accounts.\"//Bob\": expected an amount in quotes such as \"1000.5\", got an integer",
		),
		(
			top("#chain", "accounts = { \"//Bob\" = \"-5\" }"),
			"chains[0].accounts.\"//Bob\": expected an amount of noOs with at most 12 decimals such as \"1000.5\", or of \
			 the smallest unit such as \"1000000 units\", got `-5`",
		),
		(
			top("#chain", "accounts = { \"//Bob\" = \"999999 units\" }"),
			"chains[0].accounts.\"//Bob\": expected at least 1000000 units (the existential deposit), got 999999",
		),
		(
			top("#chain", "accounts = { Bob = \"1\" }"),
			"chains[0].accounts.Bob: expected an ss58 address, 32 bytes in hex (0x…) or a development seed (//Alice), \
			 got `Bob`",
		),
		(
			top("#chain", "accounts = { \"//A\" = \"1\", \"//B\" = \"340282366920938463463374607431768211455 units\" }"),
			"chains[0].accounts.\"//B\": expected a sum of amounts that fits into 128 bits",
		),
		(
			top("#chain", "accounts = [\"//A\"]"),
			"chains[0].accounts: expected a table of accounts and amounts, got an array",
		),
		(
			top("#root", "sudo = \"somebody\""),
			"root.sudo: expected an ss58 address, 32 bytes in hex (0x…) or a development seed (//Alice), got `somebody`",
		),
		// Networking.
		(
			top("#root", "bootnodes = [\"/ip4/127.0.0.1/tcp/30333\"]"),
			"root.bootnodes[0]: expected a network address with peer id such as /dns/host/tcp/30333/p2p/12D3…, got \
			 `/ip4/127.0.0.1/tcp/30333`",
		),
		(
			top("#top", "telemetry = [{ url = \"here\" }]"),
			"telemetry[0].url: expected the URL of a telemetry server such as wss://host/submit/, got `here`",
		),
		(
			top("#top", "telemetry = [{ url = \"wss://a.example/submit/\", verbosity = 10 }]"),
			"telemetry[0].verbosity: expected 0 to 9, got 10",
		),
	]
	.into_iter()
	.map(|(text, message)| (text, message.to_string()))
	.chain([
		// The same account twice, in two notations.
		(
			top("#chain", &format!("accounts = {{ \"//Alice\" = \"1\", \"{alice}\" = \"1\" }}")),
			format!("chains[0].accounts.{alice}: the same as chains[0].accounts.\"//Alice\", expected each once"),
		),
	])
	.collect();

	for (text, expected) in cases {
		assert_ne!(text, SMALL, "{expected}");
		match parse(&text) {
			Err(error @ Error::Field { .. }) => assert_eq!(error.to_string(), expected),
			other => panic!("expected `{expected}`, got {:?}", other.map(|_| ())),
		}
	}
}

#[test]
fn errors_carry_the_facts() {
	let Err(Error::Field { field, problem }) = parse(&SMALL.replacen("[\"//Alice\"]", "[]", 1)) else {
		panic!()
	};
	assert_eq!(
		(field.as_str(), problem),
		("root.committee", Problem::Committee(CommitteeError::Empty))
	);
	let Err(Error::Field { problem, .. }) = parse(&SMALL.replacen("id = 2", "id = -2", 1)) else {
		panic!()
	};
	assert_eq!(
		problem,
		Problem::Range {
			min: 1,
			max: u32::MAX.into(),
			got: -2
		}
	);
}

#[test]
fn a_live_network_takes_no_seeds() {
	for (old, new) in [
		(entry("//One"), "\"//One\"".to_string()),
		(format!("\"{}\" =", ss58("//Rich")), "\"//Rich\" =".to_string()),
		("[root]".to_string(), "[root]\nsudo = \"//Alice\"".to_string()),
	] {
		let error = parse(&live().replacen(&old, &new, 1)).unwrap_err();
		assert!(
			matches!(
				error,
				Error::Field {
					problem: Problem::SeedInLive,
					..
				}
			),
			"{error}"
		);
	}
}

#[test]
fn a_live_network_takes_no_dealt_beacon() {
	let text = live().replacen("[root]", "beacon = \"dealt\"\n[root]", 1);
	assert_eq!(
		parse(&text).unwrap_err().to_string(),
		"beacon: expected { file = \"…\" } with the beacon of a ceremony, got \"dealt\": everybody knows its shares, and type is \
		 \"live\""
	);
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
	let error = parse("name = \"x\"\nid = = 5").unwrap_err();
	assert!(matches!(error, Error::Syntax { .. }));
	assert!(error.to_string().contains("line 2, column"), "{error}");
	let twice = parse("name = \"x\"\nname = \"y\"").unwrap_err();
	assert!(matches!(twice, Error::Syntax { .. }), "{twice}");
	let missing = Plan::read(Path::new("no/such/file.toml"), &Keys).unwrap_err();
	assert!(
		missing.to_string().starts_with("no/such/file.toml: "),
		"{missing}"
	);
}

#[test]
fn wrong_values_are_shown_in_part_and_harmlessly() {
	let text = SMALL.replacen(
		"\"development\"",
		&format!("\"\\u001b[31m{}\"", "x".repeat(100_000)),
		1,
	);
	let message = parse(&text).unwrap_err().to_string();
	assert!(message.len() < 200 && !message.contains('\u{1b}'), "{message}");
}

#[test]
fn the_template_is_complete_once_it_is_filled_in() {
	let template = include_str!("../networks/public-template.toml");
	let message = parse(template).unwrap_err().to_string();
	assert!(
		message.starts_with("root.committee[0].id: expected an ss58 address"),
		"{message}"
	);

	let mut filled = template.replace("<ss58 address>", &ss58("//Rich"));
	for i in 1..=4 {
		let seed = format!("//{i}");
		filled = filled
			.replace(&format!("<member {i}: sr25519 public key>"), &ss58(&seed))
			.replace(
				&format!("<member {i}: BLS12-381 public key>"),
				&member(&seed).unwrap().key.to_string(),
			);
	}
	let plan = parse(&filled).unwrap();
	assert_eq!(plan.chains.len(), 3);
	assert!(plan.chains.values().all(|chain| chain.committee.faults() == 1));
}

/// Making a network executes runtimes: tests that only read one share it.
static DEVELOPMENT: LazyLock<Network> = LazyLock::new(|| development(&Keys).unwrap());
static LIVE: LazyLock<Network> = LazyLock::new(|| Network::new(&parse(&live()).unwrap()).unwrap());

#[test]
fn ready_networks_have_specs_that_belong_together() {
	let local = local(&Keys).unwrap();
	for (network, id, members) in [(&*DEVELOPMENT, "asterism-dev", 1), (&local, "asterism-local", 4)] {
		let ids: Vec<_> = network.specs().map(|(_, spec)| spec.id().to_string()).collect();
		assert_eq!(ids, [format!("{id}-root"), format!("{id}-1"), format!("{id}-2")]);
		for (chain, spec) in network.specs() {
			assert_eq!(spec.protocol_id(), Some(spec.id()));
			assert_eq!(spec.properties()["tokenSymbol"], "noOs");
			assert_eq!(spec.properties()["tokenDecimals"], 12);
			assert_eq!(spec.properties()["ss58Format"], 42);
			let extensions = Extensions::of(spec).unwrap();
			assert_eq!(extensions.chain_id, chain);
			assert_eq!(
				extensions.root_chain,
				(!chain.is_root()).then(|| format!("{id}-root"))
			);
		}
		let root: serde_json::Value = serde_json::from_str(&network.root.as_json(false).unwrap()).unwrap();
		let config = &root["genesis"]["runtimeGenesis"]["patch"]["chains"];
		assert_eq!(config["root"]["members"].as_array().unwrap().len(), members);
		for (i, chain) in network.chains.keys().enumerate() {
			let of = &config["chains"][i];
			assert_eq!(of["id"], chain.0);
			assert_eq!(of["members"].as_array().unwrap().len(), members);
			assert_eq!(
				of["genesis"],
				serde_json::to_value(genesis_header(&network.raw(*chain).unwrap()).unwrap()).unwrap()
			);
			// Six accounts of a million, and the runtime's own with the existential deposit.
			let issuance = 6 * 1_000_000 * NOOS + EXISTENTIAL_DEPOSIT;
			assert_eq!(of["holdings"].to_string(), format!("[[0,{issuance}]]"));
		}
	}
}

#[test]
fn the_same_file_gives_the_same_network_and_another_file_another() {
	let text = live();
	let network = |text: &str| Network::new(&parse(text).unwrap()).unwrap();
	let (first, second) = (&*LIVE, network(&text));
	for ((chain, a), (_, b)) in first.specs().zip(second.specs()) {
		assert_eq!(a.as_json(false).unwrap(), b.as_json(false).unwrap());
		let raw = |network: &Network| network.raw(chain).unwrap().as_json(true).unwrap();
		assert_eq!(raw(first), raw(&second));
	}
	// An account of chain 7 has more: the genesis of chain 7 is another, so that of the root chain is, too.
	let third = network(&text.replace("700.5", "700.6"));
	let same = |chain: u32| {
		let header = |n: &Network| genesis_header(&n.raw(ChainId(chain)).unwrap()).unwrap();
		header(first) == header(&third)
	};
	assert_eq!([same(0), same(1), same(7)], [false, true, false]);
}

#[test]
fn specs_survive_json() {
	let folder = tempfile::tempdir().unwrap();
	let network = &*LIVE;
	for raw in [false, true] {
		let folder = folder.path().join(format!("raw-{raw}"));
		let files = network.write(&folder, raw).unwrap();
		let names: Vec<_> = files
			.iter()
			.map(|f| f.file_name().unwrap().to_str().unwrap().to_string())
			.collect();
		assert_eq!(names, ["live-root.json", "live-1.json", "live-7.json"]);
		for ((chain, spec), file) in network.specs().zip(files) {
			let state = network.raw(chain).unwrap();
			let path = file.clone();
			let read = ChainSpec::from_json_file(file).unwrap();
			assert_eq!((read.id(), read.name()), (spec.id(), spec.name()));
			assert_eq!(read.extensions(), spec.extensions());
			assert_eq!(read.telemetry_endpoints(), spec.telemetry_endpoints());
			assert_eq!(read.as_json(raw).unwrap(), fs::read_to_string(&path).unwrap());
			assert_eq!(
				read.build_storage().unwrap().top,
				state.build_storage().unwrap().top
			);
		}
	}
}

#[test]
fn a_spec_of_another_kind_of_chain_is_refused() {
	let mut json: serde_json::Value =
		serde_json::from_str(&DEVELOPMENT.root.as_json(false).unwrap()).unwrap();
	json.as_object_mut().unwrap().remove("chainId");
	let Err(error) = ChainSpec::from_json_bytes(json.to_string().into_bytes()) else {
		panic!()
	};
	assert!(error.contains("chainId"), "{error}");
}

/// The text of `valid` with a few of its characters changed, put in, taken out, or cut off.
fn mutated(valid: String) -> impl Strategy<Value = String> {
	let changes = proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, "[ -~\n€]"), 0..4);
	changes.prop_map(move |changes| {
		let mut text: Vec<char> = valid.chars().collect();
		for (at, kind, with) in changes {
			let at = at.index(text.len() + 1);
			let with = with.chars();
			match kind {
				0 => drop(text.splice(at..at, with)),
				1 => text.truncate(at),
				2 if at < text.len() => drop(text.remove(at)),
				_ => drop(text.splice(at..(at + 1).min(text.len()), with)),
			}
		}
		text.into_iter().collect()
	})
}

proptest! {
	/// Whatever text comes: no panic, an error of bounded size, or a plan that holds to every bound.
	#[test]
	fn any_text_is_refused_or_a_network(text in prop_oneof![
		".{0,400}",
		mutated(live()),
		mutated(SMALL.into()),
		mutated(include_str!("../networks/public-template.toml").into()),
		mutated(ROTATION.into()),
	]) {
		match parse(&text) {
			Ok(plan) => {
				prop_assert!(plan.chains.len() >= 2 && plan.chains.contains_key(&ChainId::ROOT));
				for (chain, plan_of) in &plan.chains {
					prop_assert_eq!(plan_of.committee.check(), Ok(()));
					prop_assert!(plan_of.parameters.is_valid());
					prop_assert!(plan_of.parameters.epoch_length == 0 || plan.beacon.is_some());
					prop_assert!(plan_of.accounts.values().all(|amount| *amount >= EXISTENTIAL_DEPOSIT));
					let sum = plan_of.accounts.values().try_fold(0, |sum: Balance, amount| sum.checked_add(*amount));
					prop_assert!(sum.is_some());
					prop_assert!(plan.spec_id(*chain).chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
				}
			}
			Err(error @ Error::Field { .. }) => prop_assert!(error.to_string().len() < 2_000, "{}", error),
			Err(Error::Syntax { .. }) => {}
			Err(other) => prop_assert!(false, "{}", other),
		}
	}
}

/// The smallest development network with nodes, whose operators have 1000 noOs each.
fn with_nodes(nodes: &str) -> String {
	let accounts = "[root.accounts]\n\"//Alice\" = \"1000\"\n\"//Bob\" = \"1000\"\n";
	SMALL.replace("#root", accounts).replace("#second", nodes)
}

fn node(operator: &str, seed: &str, stake: &str) -> String {
	let member = member(seed).unwrap();
	format!(
		"[[nodes]]\noperator = \"{operator}\"\nidentity = \"{}\"\nsortition = \"{}\"\nconsensus = \"{}\"\nstake = \"{stake}\"\n",
		ss58(seed),
		member.id,
		member.key
	)
}

#[test]
fn nodes_are_staked_at_genesis() {
	assert_eq!(parse(SMALL).unwrap().nodes, []);
	let nodes = format!(
		"[[nodes]]\nseed = \"//Alice\"\nstake = \"100\"\n{}",
		node("//Bob", "//Keys", "999")
	);
	let plan = parse(&with_nodes(&nodes)).unwrap();
	let (alice, keys) = (member("//Alice").unwrap(), member("//Keys").unwrap());
	let expected = [
		(alice.clone(), alice.id, 100),
		(keys, member("//Bob").unwrap().id, 999),
	];
	assert_eq!(plan.nodes.len(), 2);
	for (node, (member, operator, stake)) in plan.nodes.iter().zip(expected) {
		assert_eq!(node.operator, AccountId::new(operator.0));
		assert_eq!((node.keys.identity, node.keys.consensus), (member.id, member.key));
		assert_eq!((node.keys.sortition.0, node.stake), (member.id.0, stake * NOOS));
	}
	let network = Network::new(&plan).unwrap();
	let root = network.raw(ChainId::ROOT).unwrap().build_storage().unwrap();
	let prefix = [
		polkadot_sdk::sp_io::hashing::twox_128(b"Stake"),
		polkadot_sdk::sp_io::hashing::twox_128(b"Nodes"),
	]
	.concat();
	let staked = root.top.keys().filter(|key| key.starts_with(&prefix)).count();
	assert_eq!(staked, 2);
}

#[test]
fn nodes_that_are_not_right_are_named() {
	let good = node("//Bob", "//Keys", "100");
	let seeded = "[[nodes]]\nseed = \"//Alice\"\nstake = \"100\"\n";
	let cases: [(String, &str); 8] = [
		(
			good.replace("\"100\"", "\"99\""),
			"nodes[0].stake: expected at least 100000000000000 units (the least stake), got 99000000000000",
		),
		(
			good.replace("\"100\"", "\"1000\""),
			"nodes[0]: expected an operator with at least 1000000001000000 units in root.accounts",
		),
		(
			good.replace("//Bob", "//Poor"),
			"nodes[0]: expected an operator with at least 100000001000000 units in root.accounts",
		),
		(
			good.replace("sortition = \"0x", "sortition = \"0xff"),
			"nodes[0].sortition: expected",
		),
		(
			good.replace("consensus", "key"),
			"nodes[0].key: unknown field, expected one of operator, identity, sortition, consensus, stake",
		),
		(
			seeded.replace("stake", "operator = \"//Bob\"\nstake"),
			"nodes[0].operator: unknown field, expected one of seed, stake",
		),
		(format!("{seeded}{seeded}"), "nodes[1]: the same as nodes[0]"),
		(
			format!("{seeded}{}", node("//Bob", "//Alice", "100")),
			"nodes[1]: the same as nodes[0]",
		),
	];
	for (nodes, expected) in cases {
		let error = parse(&with_nodes(&nodes)).unwrap_err().to_string();
		assert!(error.contains(expected), "{error}\nexpected: {expected}");
	}
}

/// The smallest development network with a beacon, elections on the root chain and chain 2, and four nodes.
fn rotating(security: &str) -> String {
	let nodes: String = ["//Alice", "//Bob", "//Charlie", "//Dave"]
		.iter()
		.map(|seed| format!("[[nodes]]\nseed = \"{seed}\"\nstake = \"100\"\n"))
		.collect();
	let accounts: String = ["//Alice", "//Bob", "//Charlie", "//Dave"]
		.iter()
		.map(|seed| format!("\"{seed}\" = \"1000\"\n"))
		.collect();
	SMALL
		.replace("#top", &format!("beacon = \"dealt\"\n{security}"))
		.replace(
			"#root",
			&format!("epoch_length = 600\ncommittee_size = 3\n[root.accounts]\n{accounts}"),
		)
		.replace("#second", &format!("epoch_length = 60\n{nodes}"))
}

#[test]
fn chains_say_how_their_committees_change() {
	let plan = parse(&rotating("")).unwrap();
	let parameters = |chain: u32| plan.chains[&ChainId(chain)].parameters;
	let with = |epoch_length, committee_size| ChainParameters {
		block_interval: 1_000,
		epoch_length,
		committee_size,
	};
	assert_eq!(
		[parameters(0), parameters(1), parameters(2)],
		[with(600, 3), with(0, 4), with(60, 4)]
	);
	let alice = member("//Alice").unwrap().id;
	assert_eq!(plan.beacon.unwrap().players, [alice]);
	// Neither a beacon without epochs is wrong, nor the parameters of today written out.
	let still = SMALL
		.replace("#top", "beacon = \"dealt\"")
		.replace("#chain", "epoch_length = 0\ncommittee_size = 4");
	let plan = parse(&still).unwrap();
	assert!(plan.beacon.is_some());
	assert!(plan
		.chains
		.values()
		.all(|chain| chain.parameters == ChainParameters::default()));
	assert_eq!(parse(SMALL).unwrap().beacon, None);
}

#[test]
fn the_beacon_of_a_ceremony_is_read_from_its_file() {
	let folder = tempfile::tempdir().unwrap();
	let file = folder.path().join("made/beacon.json");
	fs::create_dir(folder.path().join("made")).unwrap();
	let network = folder.path().join("network.toml");
	let text = live().replacen("[root]", "beacon = { file = \"made/beacon.json\" }\n[root]", 1);
	fs::write(&network, text).unwrap();
	let error = |text: &str| {
		fs::write(&file, text).unwrap();
		Plan::read(&network, &Keys).unwrap_err().to_string()
	};

	let missing = Plan::read(&network, &Keys).unwrap_err();
	assert!(
		matches!(&missing, Error::File { path, .. } if *path == file),
		"{missing}"
	);
	let mut members = [member("//One").unwrap().id, member("//Two").unwrap().id];
	members.sort_unstable();
	let good = Keys.deal(&members).unwrap();
	let json = |beacon: &GenesisBeacon| serde_json::to_string(beacon).unwrap();
	fs::write(&file, json(&good)).unwrap();
	assert_eq!(Plan::read(&network, &Keys).unwrap().beacon, Some(good.clone()));

	for (text, expected) in [
		(
			"".to_string(),
			"beacon.file: expected a beacon as `asterism beacon finish` writes it: EOF",
		),
		(
			"{}".into(),
			"beacon.file: expected a beacon as `asterism beacon finish` writes it: missing field",
		),
		(
			json(&good).replace("output", "outputs"),
			"beacon.file: expected a beacon as `asterism beacon finish` writes it: unknown field",
		),
		(
			" ".repeat(1_000_000),
			"beacon.file: expected a beacon as `asterism beacon finish` writes it: expected at most",
		),
		(
			json(&GenesisBeacon {
				group_key: BlsPublic([1; 96]),
				..good.clone()
			}),
			"beacon.groupKey: expected a BLS12-381 public key in G2",
		),
		(
			json(&GenesisBeacon {
				players: members[..1].to_vec(),
				..good.clone()
			}),
			"beacon.players: expected the members of root.committee, got others",
		),
		(
			json(&GenesisBeacon {
				players: vec![members[1], members[0]],
				..good.clone()
			}),
			"beacon.players: expected the members of root.committee, got others",
		),
		(
			json(&GenesisBeacon {
				output: Vec::new(),
				..good.clone()
			}),
			"beacon.output: expected a beacon as `asterism beacon finish` writes it: expected 1 to",
		),
		(
			json(&GenesisBeacon {
				output: vec![0; MAX_OUTPUT_BYTES as usize + 1],
				..good.clone()
			}),
			"beacon.output: expected a beacon as `asterism beacon finish` writes it: expected 1 to",
		),
		(
			json(&GenesisBeacon {
				output: b"other shares".to_vec(),
				..good.clone()
			}),
			"beacon: expected a beacon as `asterism beacon finish` writes it: the output shares another key",
		),
	] {
		let error = error(&text);
		assert!(error.starts_with(expected), "{error}\nexpected: {expected}");
	}
	// The largest beacon fits.
	let largest = GenesisBeacon {
		players: (0..=255).map(|i| MemberId([i; 32])).collect(),
		output: vec![0; MAX_OUTPUT_BYTES as usize],
		..good
	};
	assert!(error(&serde_json::to_string_pretty(&largest).unwrap()).starts_with("beacon.players"));
}

#[test]
fn committees_are_as_large_as_the_file_asks_for() {
	let asks = |text: &str| {
		parse(&rotating(&format!("[security]\n{text}")))
			.map(drop)
			.map_err(|e| e.to_string())
	};
	let all = "population = 2000\nmalicious = \"1/5\"\nfailure = \"1e-2\"\n";
	// Four nodes of which none is malicious never fail; one of four may be malicious in a committee of four.
	assert_eq!(asks("malicious = \"0\"\nfailure = \"1e-9\""), Ok(()));
	let needed = {
		use asterism_committee_size::*;
		let parameters = |committees| {
			let [malicious, failure] = ["1/5", "1e-2"].map(|text| text.parse().unwrap());
			Parameters::new(2000, malicious, Tolerance::Byzantine, failure, committees).unwrap()
		};
		let [once, often] = [1, 10].map(|epochs| committee_size(&parameters(2 * epochs)).unwrap());
		assert!(4 < once && once < often && often <= 128, "{once} {often}");
		[once, often]
	};
	for (text, expected) in [
		(
			all.to_string(),
			format!(
				"root.committee_size: expected {}, the smallest size that is sufficient for what [security] asks, got 3: any of \
				 the committees fails with probability ",
				needed[0]
			),
		),
		(
			format!("{all}epochs = 10"),
			format!("root.committee_size: expected {}, the smallest size", needed[1]),
		),
		(
			"population = 2000\nmalicious = \"1/3\"\nfailure = \"1e-9\"".into(),
			"root.committee_size: expected more members than may be asked for (128): any of the committees fails".into(),
		),
		(
			"population = 2\nmalicious = \"1/3\"\nfailure = \"1e-9\"".into(),
			"root.committee_size: expected 1 to 2, got 3".into(),
		),
		("failure = \"1e-9\"".into(), "security.malicious: missing, expected the fraction of malicious nodes".into()),
		("malicious = \"0\"".into(), "security.failure: missing, expected a probability".into()),
		(
			"malicious = \"many\"\nfailure = \"1\"".into(),
			"security.malicious: expected the fraction of malicious nodes, as in \"1/4\", \"25%\", \"1e-6\" or \"2^-20\", got \
			 `many`".into(),
		),
		(
			"malicious = \"3/2\"\nfailure = \"1\"".into(),
			"security.malicious: expected a fraction from 0 to 1, got 3/2".into(),
		),
		(
			"malicious = \"0\"\nfailure = \"0\"".into(),
			"security.failure: expected a probability above 0 and not above 1, got 0".into(),
		),
		(
			"malicious = \"0\"\ntolerated = \"2\"\nfailure = \"1\"".into(),
			"security.tolerated: expected `bft` or a fraction from 0 to 1, got 2".into(),
		),
		(
			"malicious = \"0\"\nfailure = \"1\"\npopulation = 0".into(),
			"security.population: expected 1 to 1000000 nodes, got 0".into(),
		),
		(
			"malicious = \"0\"\nfailure = \"1\"\nepochs = 0".into(),
			"security.epochs: expected 1 or more, got 0".into(),
		),
		(
			"malicious = \"0\"\nfailure = \"1\"\nepochs = 4294967295".into(),
			"security.epochs: expected at most 4294967295 committees in all, got 8589934590".into(),
		),
		(
			"malicious = \"0\"\nfailure = \"1\"\npopulation = -1".into(),
			"security.population: expected 1 to 4294967295, got -1".into(),
		),
		("epoch = 1".into(), "security.epoch: unknown field, expected one of population, malicious, tolerated".into()),
	] {
		let error = asks(&text).unwrap_err();
		assert!(error.starts_with(&expected), "{error}\nexpected: {expected}");
	}
	// Chain 2 is asked, too, at its own place; chain 1, whose committee stays, is not.
	let large = rotating(&format!("[security]\n{all}"))
		.replace("committee_size = 3", &format!("committee_size = {}", needed[0]));
	let error = parse(&large).unwrap_err().to_string();
	assert!(error.starts_with("chains[1].committee_size: expected"), "{error}");
	let fixed = SMALL.replace("#top", "[security]\nmalicious = \"0\"\nfailure = \"1\"");
	assert_eq!(
		parse(&fixed).unwrap_err().to_string(),
		"security: expected a chain with an epoch_length above 0: no committee is elected"
	);
}

const ROTATION: &str = include_str!("../networks/rotation.toml");

#[test]
fn the_network_for_rotation_is_what_it_says() {
	let plan = parse(ROTATION).unwrap();
	assert_eq!((plan.nodes.len(), plan.chains.len()), (12, 3));
	assert!(plan.nodes.iter().all(|node| node.stake == 10_000 * NOOS));
	let mut first: Vec<_> = Vec::new();
	for (id, chain) in &plan.chains {
		assert_eq!(
			chain.parameters,
			ChainParameters {
				block_interval: 2_000,
				epoch_length: 30,
				committee_size: 4
			}
		);
		// On the root chain two more, who may register later.
		let accounts = if id.is_root() { 14 } else { 12 };
		assert_eq!((chain.committee.size(), chain.accounts.len()), (4, accounts));
		first.extend(chain.committee.members().iter().map(|member| member.id));
	}
	// Each node is in one of the first committees.
	first.sort_unstable();
	let mut nodes: Vec<_> = plan.nodes.iter().map(|node| node.keys.identity).collect();
	nodes.sort_unstable();
	assert_eq!(first, nodes);
	let root: Vec<_> = plan.chains[&ChainId::ROOT]
		.committee
		.members()
		.iter()
		.map(|member| member.id)
		.collect();
	assert_eq!(plan.beacon.unwrap().players, root);
}

#[test]
fn the_beacon_and_the_epochs_are_in_the_genesis() {
	let plan = parse(ROTATION).unwrap();
	let network = Network::new(&plan).unwrap();
	let patch = |chain: u32| {
		let json = network.spec(ChainId(chain)).unwrap().as_json(false).unwrap();
		let json: serde_json::Value = serde_json::from_str(&json).unwrap();
		json["genesis"]["runtimeGenesis"]["patch"].clone()
	};
	let beacon = plan.beacon.unwrap();
	assert_eq!(patch(0)["beacon"], serde_json::json!({ "beacon": beacon }));
	let parameters = serde_json::json!({ "blockInterval": 2000, "epochLength": 30, "committeeSize": 4 });
	assert_eq!(patch(0)["chains"]["root"]["parameters"], parameters);
	assert_eq!(patch(0)["chains"]["chains"][1]["parameters"], parameters);
	assert_eq!(patch(2)["rootView"]["parameters"], parameters);
	let root = network.raw(ChainId::ROOT).unwrap().build_storage().unwrap();
	let key = [
		polkadot_sdk::sp_io::hashing::twox_128(b"Beacon"),
		polkadot_sdk::sp_io::hashing::twox_128(b"GroupKey"),
	]
	.concat();
	assert_eq!(root.top.get(&key), Some(&beacon.group_key.encode()));
	// A network without beacon says nothing of it.
	let json = DEVELOPMENT.root.as_json(false).unwrap();
	assert!(!json.contains("\"beacon\""));
}
