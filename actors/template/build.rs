//! Keeps the stack of the module small: the one that Rust would give it, 1 MiB, is all the memory that an actor may have.

fn main() {
	println!("cargo::rerun-if-env-changed=CARGO_CFG_TARGET_ARCH");
	if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
		println!("cargo::rustc-link-arg-cdylib=-zstack-size=65536");
	}
}
