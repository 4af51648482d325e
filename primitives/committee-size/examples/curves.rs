//! Writes the pictures of the papers' curves into a folder: `figure4.png` and `thinkey.png`.

use asterism_committee_size::{chart, committee_size, curve, Parameters, Tolerance};
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
	let folder = PathBuf::from(env::args().nth(1).ok_or("expected a folder")?);
	let curves = [
		("figure4.png", curve::figure4(400)),
		("thinkey.png", curve::thinkey(2_000, Tolerance::Byzantine, 400)?),
	];
	for (name, curves) in curves {
		fs::write(folder.join(name), chart::png(&curves)?)?;
		println!("{curves}");
	}
	// The table of the book's chapter on security parameters.
	for malicious in ["10%", "15%", "20%", "25%", "30%"] {
		for failure in ["1e-3", "1e-6", "1e-9", "1e-12"] {
			let parameters = Parameters::new(
				2_000,
				malicious.parse()?,
				Tolerance::Byzantine,
				failure.parse()?,
				1,
			)?;
			println!(
				"{malicious} malicious, {failure}: {}",
				committee_size(&parameters)?
			);
		}
	}
	Ok(())
}
