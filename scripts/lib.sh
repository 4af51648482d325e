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
