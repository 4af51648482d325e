//! The page about writing a pallet shows this crate, and nothing else.

const PAGE: &str = include_str!("../../../write-a-pallet.md");

#[test]
fn the_page_shows_this_code() {
	for (language, code) in [
		("toml", include_str!("../Cargo.toml")),
		("rust", include_str!("../src/lib.rs")),
		("rust", include_str!("../src/tests.rs")),
	] {
		assert!(
			PAGE.contains(&format!("```{language}\n{code}```\n")),
			"docs/write-a-pallet.md must hold exactly this:\n{code}"
		);
	}
}
