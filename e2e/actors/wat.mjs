// Actors in WebAssembly's text form, for what no compiler would make.

import initWabt from 'wabt'

/** What a module can import (actors/abi), so that it can call each by its name. */
const IMPORTS = `
  (import "asterism" "info" (func $info (param i32) (result i32)))
  (import "asterism" "input_len" (func $input_len (result i32)))
  (import "asterism" "input" (func $input (param i32)))
  (import "asterism" "read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "asterism" "write" (func $write (param i32 i32 i32 i32)))
  (import "asterism" "remove" (func $remove (param i32 i32)))
  (import "asterism" "send" (func $send (param i32 i32)))
  (import "asterism" "create" (func $create (param i32 i32 i32)))
  (import "asterism" "become" (func $become (param i32)))
  (import "asterism" "end" (func $end (param i32)))
  (import "asterism" "refuse" (func $refuse (param i32 i32)))
  (import "asterism" "gas_left" (func $gas_left (result i64)))
  (import "asterism" "log" (func $log (param i32 i32)))`

let wabt
/** Compiles a module from its text. */
export async function compile(text) {
  wabt ??= await initWabt()
  const module = wabt.parseWat('actor.wat', text)
  try {
    return new Uint8Array(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}

/** A module that imports everything, with a page of memory, these fields, and a handler that does this. */
export const actor = (handler, fields = '') =>
  `(module ${IMPORTS} (memory (export "memory") 1) ${fields} (func (export "handle") ${handler}))`

/** Bytes in the module's memory. */
export const data = (at, bytes) =>
  `(data (i32.const ${at}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}")`

/**
 * Where an actor finds its first message's body, if `input` was written to 0: behind the sender (36 bytes), the kind of an
 * external message (1) and the value (16) stands its compact length, of 1 byte below 64 bytes and of 2 below 16 KiB.
 */
export const BODY = 36 + 1 + 16

/** Copies `len` bytes in memory, one after the other: WebAssembly 1.0 has no instruction for it. */
export const COPY = `(func $copy (param $from i32) (param $to i32) (param $len i32)
  (block $done (loop $more
    (br_if $done (i32.eqz (local.get $len)))
    (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
    (local.set $from (i32.add (local.get $from) (i32.const 1)))
    (local.set $to (i32.add (local.get $to) (i32.const 1)))
    (local.set $len (i32.sub (local.get $len) (i32.const 1)))
    (br $more))))`
