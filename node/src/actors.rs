//! `asterism actors`: asks a node of a transaction chain about actors and messages, by its JSON-RPC.

use clap::{Args, Parser, Subcommand};
use jsonrpsee::{
	client_transport::ws::{Url, WsTransportClientBuilder},
	core::{
		client::{ClientBuilder, ClientT, Error as ClientError},
		params::ArrayParams,
	},
	types::error::METHOD_NOT_FOUND_CODE,
};
use sc_cli::{Error, Result};
use serde_json::{json, Map, Value};
use std::{fmt::Write, path::PathBuf};

/// Bytes of the longest answer: a trace of as many messages as there may be has about 1 MB.
const MAX_ANSWER: u32 = 16 * 1024 * 1024;

/// Asks a node of a transaction chain about actors.
#[derive(Debug, Parser)]
pub struct ActorsCmd {
	/// The node's JSON-RPC. In the development network, chain n is at port 9944 + n.
	#[arg(
		long,
		global = true,
		value_name = "URL",
		default_value = "ws://127.0.0.1:9944"
	)]
	pub url: String,

	/// Prints the node's answer as it is, in JSON.
	#[arg(long, global = true)]
	pub json: bool,

	/// What to ask.
	#[command(subcommand)]
	pub question: Question,
}

/// A block to ask about.
#[derive(Debug, Args)]
pub struct At {
	/// The block, by hash or number; by default the best one.
	#[arg(long, value_name = "BLOCK")]
	pub at: Option<String>,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Question {
	/// Shows an actor.
	Show {
		/// Its account, in SS58 or hex.
		account: String,
		#[allow(missing_docs)]
		#[command(flatten)]
		at: At,
	},
	/// Shows code by its hash.
	Code {
		/// The hash.
		hash: String,
		/// Writes the module to this file.
		#[arg(long, short, value_name = "FILE")]
		output: Option<PathBuf>,
		#[allow(missing_docs)]
		#[command(flatten)]
		at: At,
	},
	/// Shows a value of an actor's storage, in hex.
	Storage {
		/// The actor's account, in SS58 or hex.
		account: String,
		/// The key, in hex with 0x.
		key: String,
		#[allow(missing_docs)]
		#[command(flatten)]
		at: At,
	},
	/// Shows the interface of code, or of an actor.
	Interface {
		/// The hash of the code, or the actor's account.
		of: String,
		#[allow(missing_docs)]
		#[command(flatten)]
		at: At,
	},
	/// Tells what a call would do, without doing it.
	DryRun(DryRunArgs),
	/// Follows a message and all that it caused, over the chains that the node's process runs.
	Trace {
		/// The message: `12/0` for the first one that block 12 sent within the chain, `2:12/0` for one of chain 2, `1-2/5` for
		/// the one with nonce 5 from chain 1 to chain 2.
		message: String,
		/// How many messages to show at most.
		#[arg(long, value_name = "NUMBER")]
		limit: Option<u32>,
	},
}

/// A call to try out.
#[derive(Debug, Args)]
pub struct DryRunArgs {
	/// The account that would call, in SS58 or hex.
	#[arg(long, value_name = "ACCOUNT")]
	pub from: String,

	/// The account of this chain that would be called.
	#[arg(
		long,
		value_name = "ACCOUNT",
		required_unless_present = "code",
		conflicts_with = "code"
	)]
	pub to: Option<String>,

	/// The hash of the code that an actor would be created from.
	#[arg(long, value_name = "HASH")]
	pub code: Option<String>,

	/// Tells apart the actors that an account makes from the same code: 32 bytes in hex.
	#[arg(long, value_name = "HEX", requires = "code")]
	pub salt: Option<String>,

	/// The value that the message brings, in the smallest unit.
	#[arg(long, value_name = "AMOUNT", default_value = "0", allow_hyphen_values = true)]
	pub value: String,

	/// The gas that the message carries.
	#[arg(long)]
	pub gas: u64,

	/// What the message says, in hex with 0x.
	#[arg(long, value_name = "HEX", default_value = "0x")]
	pub body: String,

	#[allow(missing_docs)]
	#[command(flatten)]
	pub at: At,
}

impl At {
	fn param(&self) -> Value {
		self.at.clone().map_or(Value::Null, Value::String)
	}
}

impl DryRunArgs {
	fn call(&self) -> Value {
		let mut call = Map::new();
		call.insert("value".into(), self.value.clone().into());
		call.insert("gas".into(), self.gas.into());
		call.insert("body".into(), self.body.clone().into());
		match (&self.to, &self.code) {
			(Some(to), _) => {
				call.insert("destination".into(), to.clone().into());
				json!({ "call": call })
			}
			(None, code) => {
				call.insert("code".into(), code.clone().into());
				if let Some(salt) = &self.salt {
					call.insert("salt".into(), salt.clone().into());
				}
				json!({ "instantiate": call })
			}
		}
	}
}

impl Question {
	/// The method that answers it, and its parameters.
	fn request(&self) -> Result<(&'static str, Vec<Value>)> {
		Ok(match self {
			Question::Show { account, at } => ("actors_actor", vec![json!(account), at.param()]),
			Question::Code { hash, output, at } => (
				"actors_code",
				vec![json!(hash), at.param(), json!(output.is_some())],
			),
			Question::Storage { account, key, at } => {
				("actors_storage", vec![json!(account), json!(key), at.param()])
			}
			Question::Interface { of, at } => ("actors_interface", vec![json!(of), at.param()]),
			Question::DryRun(run) => ("actors_dryRun", vec![json!(run.from), run.call(), run.at.param()]),
			Question::Trace { message, limit } => {
				let id = parse_id(message).ok_or_else(|| {
					Error::Input(format!(
						"{message}: expected a message: <block>/<index>, <chain>:<block>/<index>, or <source>-<destination>/<nonce>"
					))
				})?;
				("messages_trace", vec![id, json!(limit)])
			}
		})
	}

	/// The answer in words.
	fn text(&self, answer: &Value) -> String {
		match self {
			_ if answer.is_null() => "nothing on record\n".into(),
			Question::Trace { .. } => trace_text(answer),
			Question::DryRun(_) => dry_run_text(answer),
			Question::Interface { .. } => interface_text(answer),
			Question::Storage { .. } => format!("{}\n", word(answer)),
			Question::Show { .. } | Question::Code { .. } => fields_text(answer),
		}
	}
}

/// Reads a message's name as [`id_text`] writes it.
fn parse_id(text: &str) -> Option<Value> {
	let (channel, place) = text.split_once('/')?;
	let place: u64 = place.parse().ok()?;
	if let Some((source, destination)) = channel.split_once('-') {
		let (source, destination): (u32, u32) = (source.parse().ok()?, destination.parse().ok()?);
		return Some(json!({
			"outer": { "source": source, "destination": destination, "nonce": place },
		}));
	}
	let index = u32::try_from(place).ok()?;
	let inner = match channel.split_once(':') {
		Some((chain, block)) => {
			let (chain, block): (u32, u32) = (chain.parse().ok()?, block.parse().ok()?);
			json!({ "chain": chain, "block": block, "index": index })
		}
		None => {
			let block: u32 = channel.parse().ok()?;
			json!({ "block": block, "index": index })
		}
	};
	Some(json!({ "inner": inner }))
}

/// A message's name, as a command line takes it.
fn id_text(id: &Value) -> String {
	let outer = &id["outer"];
	if outer.is_object() {
		let [source, destination, nonce] = ["source", "destination", "nonce"].map(|key| word(&outer[key]));
		format!("{source}-{destination}/{nonce}")
	} else {
		let [chain, block, index] = ["chain", "block", "index"].map(|key| word(&id["inner"][key]));
		format!("{chain}:{block}/{index}")
	}
}

/// A value in a line: strings without quotes, and without what would move a terminal's cursor.
fn word(value: &Value) -> String {
	match value {
		Value::String(text) => {
			let mut shown = String::with_capacity(text.len());
			for c in text.chars() {
				if c.is_control() {
					shown.extend(c.escape_default());
				} else {
					shown.push(c);
				}
			}
			shown
		}
		Value::Null => "-".into(),
		other => other.to_string(),
	}
}

/// Why something came back. An actor's own words come as bytes.
fn reason_text(reason: &Value) -> String {
	let words = &reason["rejected"]["words"];
	match words.as_array() {
		Some(bytes) => {
			let bytes: Vec<u8> = bytes
				.iter()
				.filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
				.collect();
			let words = Value::String(String::from_utf8_lossy(&bytes).into_owned());
			format!("rejected: {}", word(&words))
		}
		None => word(reason),
	}
}

/// How something ended: its state, and why.
fn outcome_text(outcome: &Value) -> String {
	let mut text = word(&outcome["state"]);
	if !outcome["reason"].is_null() {
		text = format!("{text}: {}", reason_text(&outcome["reason"]));
	}
	for key in ["error", "detail"] {
		match outcome[key].as_str() {
			None | Some("") => {}
			Some(_) => text = format!("{text}: {}", word(&outcome[key])),
		}
	}
	text
}

/// A line for each field, but for what is long.
fn fields_text(answer: &Value) -> String {
	let mut text = String::new();
	for (key, value) in answer.as_object().into_iter().flatten() {
		if key != "bytes" || value.is_number() {
			let _ = writeln!(text, "{:<9} {}", format!("{key}:"), word(value));
		}
	}
	text
}

fn interface_text(answer: &Value) -> String {
	let mut text = format!("code:     {}\n", word(&answer["code"]));
	for side in ["accepts", "emits"] {
		for message in answer[side].as_array().into_iter().flatten() {
			let (name, ty) = (word(&message["name"]), word(&message["ty"]));
			let _ = writeln!(text, "{:<9} {name} (type {ty})", format!("{side}:"));
		}
	}
	if answer["service"].is_object() {
		let service = &answer["service"];
		let (price, deadline) = (word(&service["price"]), word(&service["deadline"]));
		let _ = writeln!(text, "service:  price {price}, deadline {deadline}");
	}
	text.push_str("types:    in the answer to --json\n");
	text
}

fn dry_run_text(answer: &Value) -> String {
	let weight = &answer["weight"];
	let mut text = format!(
		"outcome:  {}\ngas used: {}\nweight:   {} ps, {} bytes of proof\n",
		outcome_text(&answer["outcome"]),
		word(&answer["gasUsed"]),
		word(&weight["refTime"]),
		word(&weight["proofSize"]),
	);
	for message in answer["messages"].as_array().into_iter().flatten() {
		let [chain, account, value, gas, body] =
			["chain", "account", "value", "gas", "body"].map(|key| word(&message[key]));
		let _ = writeln!(
			text,
			"sends:    to {account} on chain {chain}: value {value}, gas {gas}, {body}"
		);
	}
	for line in answer["log"].as_array().into_iter().flatten() {
		let _ = writeln!(text, "log:      {}", word(line));
	}
	text
}

/// A line for each message, below the one that caused it.
fn trace_text(answer: &Value) -> String {
	let empty = Vec::new();
	let messages = answer["messages"].as_array().unwrap_or(&empty);
	let mut text = String::new();
	let mut shown = vec![false; messages.len()];
	// What is to be shown next is at the end. Each message is shown once: a node's answer could name one as its own cause.
	let mut stack: Vec<(usize, usize)> = (!messages.is_empty()).then_some((0, 0)).into_iter().collect();
	while let Some((place, depth)) = stack.pop() {
		if std::mem::replace(&mut shown[place], true) {
			continue;
		}
		let message = &messages[place];
		let block = match &message["block"]["number"] {
			Value::Null => String::new(),
			number => format!(" in block {}", word(number)),
		};
		let gas = match &message["gasUsed"] {
			Value::Null => String::new(),
			gas => format!(", gas {}", word(gas)),
		};
		let _ = writeln!(
			text,
			"{}{} to {} on chain {}{block}: {}{gas}",
			"  ".repeat(depth.min(32)),
			id_text(&message["id"]),
			word(&message["recipient"]),
			word(&message["chain"]),
			outcome_text(&message["outcome"]),
		);
		let children = message["children"].as_array().unwrap_or(&empty);
		for child in children.iter().rev() {
			let place = messages.iter().position(|message| message["id"] == *child);
			stack.extend(place.map(|place| (place, depth.saturating_add(1))));
		}
	}
	if answer["complete"] != json!(true) {
		text.push_str(
			"There may be more: a limit was met, a state is pruned, or a chain doesn't run at that node.\n",
		);
	}
	text
}

/// What the node says of a parameter, said of the argument that it is from.
fn of_argument(message: &str) -> String {
	let Some((field, rest)) = message.split_once(": ") else {
		return message.into();
	};
	let argument = match field {
		"origin" => "from",
		"call.call.destination" => "to",
		"at" | "limit" => field,
		_ => match field
			.strip_prefix("call.call.")
			.or(field.strip_prefix("call.instantiate."))
		{
			Some(argument) => argument,
			None => return message.into(),
		},
	};
	format!("--{argument}: {rest}")
}

/// Asks the node.
async fn ask(url: &str, method: &'static str, params: Vec<Value>) -> Result<Value> {
	let failed = |e: &dyn std::fmt::Display| Error::Input(format!("--url {url}: {e}"));
	let parsed = Url::parse(url).map_err(|e| failed(&e))?;
	let (sender, receiver) = WsTransportClientBuilder::default()
		.max_response_size(MAX_ANSWER)
		.build(parsed)
		.await
		.map_err(|e| failed(&e))?;
	let client = ClientBuilder::default().build_with_tokio(sender, receiver);
	let mut array = ArrayParams::new();
	for param in params {
		array.insert(param).map_err(|e| failed(&e))?;
	}
	client.request(method, array).await.map_err(|e| match e {
		ClientError::Call(e) if e.code() == METHOD_NOT_FOUND_CODE => {
			failed(&"expected a node of a transaction chain; this one has no actors")
		}
		ClientError::Call(e) => Error::Input(of_argument(e.message())),
		e => failed(&e),
	})
}

impl ActorsCmd {
	/// Asks, and prints the answer.
	///
	/// # Errors
	/// If the node can't be reached, or refuses; if a file can't be written.
	pub fn run(&self) -> Result<()> {
		let (method, params) = self.question.request()?;
		let runtime = tokio::runtime::Builder::new_current_thread()
			.enable_all()
			.build()?;
		let answer = runtime.block_on(ask(&self.url, method, params))?;
		if let Question::Code {
			output: Some(path), ..
		} = &self.question
		{
			if let Some(module) = answer["bytes"].as_str() {
				let module = polkadot_sdk::sp_core::bytes::from_hex(module)
					.map_err(|e| Error::Input(format!("the node's answer: bytes: {e}")))?;
				std::fs::write(path, module)
					.map_err(|e| Error::Input(format!("--output {}: {e}", path.display())))?;
			}
		}
		if self.json {
			println!("{answer:#}");
		} else {
			print!("{}", self.question.text(&answer));
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn question(arguments: &[&str]) -> std::result::Result<Question, String> {
		let arguments = ["actors"].iter().chain(arguments);
		ActorsCmd::try_parse_from(arguments)
			.map(|cmd| cmd.question)
			.map_err(|e| e.to_string())
	}

	#[test]
	fn names_of_messages_are_read_as_they_are_written() {
		for text in ["2:12/0", "0:4294967295/4294967295", "1-2/18446744073709551615"] {
			assert_eq!(id_text(&parse_id(text).unwrap()), text);
		}
		let own = json!({ "inner": { "block": 12, "index": 3 } });
		assert_eq!(parse_id("12/3"), Some(own));
		for bad in [
			"",
			"12",
			"/",
			"12/",
			"1:2:3/0",
			"1-2-3/0",
			"-1/0",
			"12/4294967296",
			"4294967296/0",
			"1-2/18446744073709551616",
			"a/b",
		] {
			assert_eq!(parse_id(bad), None, "{bad}");
		}
	}

	#[test]
	fn questions_are_the_methods_of_the_node() {
		let request = |arguments: &[&str]| question(arguments).unwrap().request().unwrap();
		assert_eq!(
			request(&["show", "5x", "--at", "7"]),
			("actors_actor", vec![json!("5x"), json!("7")])
		);
		assert_eq!(
			request(&["code", "0x1", "--output", "a.wasm"]),
			("actors_code", vec![json!("0x1"), Value::Null, json!(true)])
		);
		assert_eq!(
			request(&["trace", "12/0", "--limit", "9"]),
			(
				"messages_trace",
				vec![json!({ "inner": { "block": 12, "index": 0 } }), json!(9)]
			)
		);
		let (_, params) = request(&["dry-run", "--from", "5a", "--to", "5b", "--gas", "10"]);
		let call = json!({ "destination": "5b", "value": "0", "gas": 10, "body": "0x" });
		assert_eq!(params, [json!("5a"), json!({ "call": call }), Value::Null]);
		let (_, params) = request(&[
			"dry-run", "--from", "5a", "--code", "0x2", "--gas", "1", "--salt", "0x3",
		]);
		let call = json!({ "code": "0x2", "value": "0", "gas": 1, "body": "0x", "salt": "0x3" });
		assert_eq!(params[1], json!({ "instantiate": call }));

		assert!(question(&["dry-run", "--from", "5a", "--gas", "1"]).is_err());
		let both = [
			"dry-run", "--from", "5a", "--to", "5b", "--code", "0x2", "--gas", "1",
		];
		assert!(question(&both).is_err());
		let error = question(&["trace", "12"])
			.unwrap()
			.request()
			.unwrap_err()
			.to_string();
		assert!(error.contains("12: expected a message"), "{error}");
	}

	#[test]
	fn a_trace_is_shown_as_a_tree_each_message_once() {
		let message = |id: &str, children: &[&str]| {
			let children: Vec<_> = children.iter().map(|id| parse_id(id).unwrap()).collect();
			json!({
				"id": parse_id(id).unwrap(),
				"chain": 1,
				"block": { "number": 5 },
				"recipient": "5a",
				"outcome": { "state": "failed", "reason": { "rejected": { "words": [110, 111, 27] } } },
				"gasUsed": 7,
				"children": children,
			})
		};
		let answer = json!({
			"messages": [
				message("1:5/0", &["1:5/1", "1-2/0"]),
				message("1:5/1", &["1:5/0"]),
				message("1-2/0", &["9:9/9"]),
			],
			"complete": false,
		});
		let text = trace_text(&answer);
		let lines: Vec<_> = text.lines().collect();
		assert_eq!(lines.len(), 4);
		let end = "to 5a on chain 1 in block 5: failed: rejected: no\\u{1b}, gas 7";
		assert_eq!(lines[0], format!("1:5/0 {end}"));
		assert_eq!(lines[1], format!("  1:5/1 {end}"));
		assert_eq!(lines[2], format!("  1-2/0 {end}"));
		assert!(lines[3].starts_with("There may be more"));
		// Any other answer is no panic.
		for odd in [json!(null), json!(7), json!({ "messages": [{}] }), json!([[]])] {
			trace_text(&odd);
			dry_run_text(&odd);
			interface_text(&odd);
			fields_text(&odd);
		}
	}

	#[test]
	fn an_error_names_the_argument_that_is_wrong() {
		for (said, shown) in [
			("origin: expected an account", "--from: expected an account"),
			("call.call.destination: expected: x", "--to: expected: x"),
			("call.call.body: expected", "--body: expected"),
			("call.instantiate.salt: expected", "--salt: expected"),
			("at: expected a block", "--at: expected a block"),
			// An argument without a name, and what is no field.
			("key: expected", "key: expected"),
			("the state is pruned", "the state is pruned"),
		] {
			assert_eq!(of_argument(said), shown);
		}
		let minus = [
			"dry-run", "--from", "5a", "--to", "5b", "--gas", "1", "--value", "-1",
		];
		assert!(question(&minus).is_ok(), "the node says what is wrong with it");
	}

	#[test]
	fn a_node_that_is_not_there_is_named() {
		let command = |url: &str| ActorsCmd {
			url: url.into(),
			json: false,
			question: question(&["show", "5x"]).unwrap(),
		};
		for url in ["ws://127.0.0.1:1", "nowhere", "http://127.0.0.1:1"] {
			let error = command(url).run().unwrap_err().to_string();
			assert!(error.contains(&format!("--url {url}")), "{error}");
		}
	}
}
