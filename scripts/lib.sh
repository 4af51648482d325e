# What the scripts share. Sourced, not run.

# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/asterism
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# The scripts change folders, and the tests of several nodes run cargo in another one: relative means where they are called.
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR
# What scripts/setup found out about the toolchain.
environment=$cache/env

bold='' plain='' red='' green=''
if [[ -t 1 ]]; then
	bold=$'\e[1m' plain=$'\e[0m' red=$'\e[31m' green=$'\e[32m'
fi

step_count=0
step_now=0
# steps <n>: how many steps follow.
steps() {
	step_count=$1 step_now=0
}
# step <text>: the next one begins.
step() {
	step_now=$((step_now + 1))
	printf '%s[%d/%d] %s%s\n' "$bold" "$step_now" "$step_count" "$1" "$plain"
}
# note <text>: a detail of the current step.
note() {
	printf '      %s\n' "$1"
}
# fail <text> [<exit code>]: says why and ends.
fail() {
	printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
	exit "${2:-1}"
}
# target_of <workspace>: where a workspace beside the main one builds, in the same cache.
target_of() {
	printf '%s/%s-target' "${CARGO_TARGET_DIR%/*}" "$1"
}
# have <command>
have() {
	command -v "$1" >/dev/null 2>&1
}
# usage <file>: the comment at the head of a script, as its help.
usage() {
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"
}
# load_environment: the toolchain as scripts/setup left it.
load_environment() {
	if [[ -f $environment ]]; then
		# shellcheck source=/dev/null
		source "$environment"
	fi
	# rustup's installer puts it there; a fresh shell may not have it on its PATH yet.
	if ! have cargo && [[ -x $HOME/.cargo/bin/cargo ]]; then
		PATH=$HOME/.cargo/bin:$PATH
	fi
}
# duration <seconds>
duration() {
	printf '%dm%02ds' "$(($1 / 60))" "$(($1 % 60))"
}
# free_ports <n>: the first of that many consecutive ports that nobody listens on.
free_ports() {
	node -e '
		const net = require("net"), wanted = Number(process.argv[1]);
		const listen = (port) => new Promise((resolve, reject) => {
			const server = net.createServer();
			server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
		});
		const attempt = async () => {
			const servers = [await listen(0)], first = servers[0].address().port;
			try {
				while (servers.length < wanted) servers.push(await listen(first + servers.length));
				return first;
			} catch {
				return undefined;
			} finally {
				servers.forEach((server) => server.close());
			}
		};
		(async () => {
			for (let i = 0; i < 100; i++) {
				const first = await attempt();
				if (first !== undefined) return console.log(first);
			}
			process.exit(1);
		})();
	' "$1"
}
# stop_process <pid>: asks it to end, waits ten seconds, and then ends it.
stop_process() {
	kill -0 "$1" 2>/dev/null || return 0
	kill -INT "$1" 2>/dev/null || true
	for _ in {1..50}; do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.2
	done
	kill -KILL "$1" 2>/dev/null || true
}
# answers <pid> <log> <url>…: waits until a node answers at each of these WebSocket URLs.
answers() {
	local pid=$1 log=$2 url
	shift 2
	for url in "$@"; do
		for _ in {1..120}; do
			if ! kill -0 "$pid" 2>/dev/null; then
				tail -n 40 "$log" >&2
				return 1
			fi
			if curl --silent --fail --max-time 2 --output /dev/null "http${url#ws}/health"; then
				continue 2
			fi
			sleep 0.5
		done
		tail -n 40 "$log" >&2
		printf 'nothing answers at %s after a minute\n' "$url" >&2
		return 1
	done
}
# build_actors: the modules of the example actors and of the template, as their users build them, and the programs that print
# the interfaces.
build_actors() {
	local folder
	for folder in examples template; do
		(
			cd "$root/actors/$folder" || exit 1
			CARGO_TARGET_DIR=$(target_of actors)
			cargo build --locked --workspace --examples || exit 1
			cargo ${WASM_BUILD_TOOLCHAIN:+"+$WASM_BUILD_TOOLCHAIN"} build --locked --workspace --release --target wasm32v1-none
		) || return 1
	done
}
