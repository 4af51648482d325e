//! Curves as a picture: PNG, drawn with a font of its own, so that it looks the same on every machine.

use crate::curve::{Curves, Series};
use plotters::{
	coord::{types::RangedCoordf64, types::RangedCoordu32, Shift},
	element::DashedPathElement,
	prelude::*,
	style::register_font,
};
use std::error::Error;

/// Width and height in pixels.
const SIZE: (u32, u32) = (1_400, 900);
/// The least probability that is drawn, as a decimal logarithm.
const LOWEST: f64 = -12.0;
/// The font's name in this program.
const FONT: &str = "DejaVu Sans";
/// Colours that people with any kind of colour vision tell apart (Okabe and Ito's), one for each group of curves.
const COLOURS: [RGBColor; 6] = [
	RGBColor(0, 114, 178),
	RGBColor(230, 159, 0),
	RGBColor(0, 158, 115),
	RGBColor(213, 94, 0),
	RGBColor(204, 121, 167),
	RGBColor(86, 180, 233),
];

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Draws the curves on a logarithmic scale: a PNG.
///
/// # Errors
/// If there is no point to draw, or drawing fails.
pub fn png(curves: &Curves) -> Result<Vec<u8>> {
	let (width, height) = SIZE;
	let mut pixels = vec![0; width as usize * height as usize * 3];
	{
		let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
		draw(curves, &area)?;
		area.present().map_err(|e| e.to_string())?;
	}
	let mut bytes = Vec::new();
	let mut encoder = png::Encoder::new(&mut bytes, width, height);
	encoder.set_color(png::ColorType::Rgb);
	encoder.set_depth(png::BitDepth::Eight);
	let mut writer = encoder.write_header()?;
	writer.write_image_data(&pixels)?;
	writer.finish()?;
	Ok(bytes)
}

fn draw<DB: DrawingBackend>(curves: &Curves, area: &DrawingArea<DB, Shift>) -> Result<()> {
	register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).map_err(|_| "font: malformed")?;
	register_font(FONT, FontStyle::Bold, dejavu::sans::bold()).map_err(|_| "font: malformed")?;
	let largest = curves
		.series
		.iter()
		.flat_map(|series| series.points.last())
		.map(|(size, _)| *size)
		.max()
		.ok_or("curves: expected at least one point")?;
	let failed = |e: DrawingAreaErrorKind<DB::ErrorType>| e.to_string();

	area.fill(&WHITE).map_err(failed)?;
	let (head, body) = area.split_vertically(96);
	let text = |size: u32| (FONT, size).into_font();
	let titles = [
		(&curves.title, 24, text(30).style(FontStyle::Bold), BLACK),
		(&curves.subtitle, 64, text(18), RGBColor(80, 80, 80)),
	];
	for (line, y, font, colour) in titles {
		head.draw(&Text::new(line.as_str(), (40, y), font.color(&colour)))
			.map_err(failed)?;
	}

	let mut chart = ChartBuilder::on(&body)
		.margin_right(40)
		.margin_bottom(16)
		.margin_left(20)
		.set_label_area_size(LabelAreaPosition::Left, 84)
		.set_label_area_size(LabelAreaPosition::Bottom, 60)
		.build_cartesian_2d(0..largest, LOWEST..0.0)
		.map_err(failed)?;
	chart
		.configure_mesh()
		.x_desc("members of the committee, n")
		.y_desc("probability")
		.x_labels(11)
		.y_labels(13)
		.y_label_formatter(&|log| power_of_ten(*log))
		.axis_desc_style(text(18).color(&BLACK))
		.label_style(text(16).color(&BLACK))
		.axis_style(RGBColor(60, 60, 60))
		.bold_line_style(RGBColor(215, 215, 215))
		.light_line_style(TRANSPARENT)
		.draw()
		.map_err(failed)?;

	for series in &curves.series {
		draw_series(&mut chart, series)?;
	}
	chart
		.configure_series_labels()
		.position(SeriesLabelPosition::UpperRight)
		.margin(14)
		.legend_area_size(44)
		.label_font(text(16).color(&BLACK))
		.background_style(WHITE.mix(0.92))
		.border_style(RGBColor(160, 160, 160))
		.draw()
		.map_err(failed)?;
	Ok(())
}

/// Draws one curve with its entry in the legend.
fn draw_series<'a, DB: DrawingBackend + 'a>(
	chart: &mut ChartContext<'a, DB, Cartesian2d<RangedCoordu32, RangedCoordf64>>,
	series: &Series,
) -> Result<()> {
	let colour = COLOURS[series.group % COLOURS.len()];
	let points = visible(&series.points);
	// The line in the legend, from its left end.
	let entry = |(x, y): (i32, i32)| vec![(x, y), (x + 36, y)];
	if series.dashed {
		let style = colour.stroke_width(1);
		chart
			.draw_series(DashedLineSeries::new(points, 7, 5, style))
			.map_err(|e| e.to_string())?
			.label(series.label.clone())
			.legend(move |at| DashedPathElement::new(entry(at), 7, 5, style));
	} else {
		let style = colour.stroke_width(3);
		chart
			.draw_series(LineSeries::new(points, style))
			.map_err(|e| e.to_string())?
			.label(series.label.clone())
			.legend(move |at| PathElement::new(entry(at), style));
	}
	Ok(())
}

/// The part of a curve that is not below [`LOWEST`], with the point where it gets there.
fn visible(points: &[(u32, f64)]) -> Vec<(u32, f64)> {
	let mut visible: Vec<(u32, f64)> = Vec::new();
	for (size, log) in points {
		if *log >= LOWEST {
			visible.push((*size, *log));
			continue;
		}
		if let Some((before, above)) = visible.last().copied() {
			// A probability of 0 has no slope: the curve falls down at once.
			let part = if log.is_finite() {
				(above - LOWEST) / (above - log)
			} else {
				1.0
			};
			let at = before + (f64::from(size - before) * part).round() as u32;
			visible.push((at, LOWEST));
		}
		break;
	}
	visible
}

/// `10⁻³` for −3.
fn power_of_ten(log: f64) -> String {
	let superscript = |c| match c {
		'-' => '⁻',
		'0' => '⁰',
		'1' => '¹',
		'2' => '²',
		'3' => '³',
		'4' => '⁴',
		'5' => '⁵',
		'6' => '⁶',
		'7' => '⁷',
		'8' => '⁸',
		_ => '⁹',
	};
	let exponent = log.round();
	if exponent == 0.0 {
		return "1".into();
	}
	let digits = format!("{exponent:.0}");
	format!("10{}", digits.chars().map(superscript).collect::<String>())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		curve::{figure4, thinkey},
		Tolerance,
	};

	#[test]
	fn a_picture_has_its_size_and_all_its_colours() {
		for curves in [figure4(400), thinkey(2_000, Tolerance::Byzantine, 400).unwrap()] {
			let bytes = png(&curves).unwrap();
			let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
			let mut reader = decoder.read_info().unwrap();
			let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
			let info = reader.next_frame(&mut pixels).unwrap();
			assert_eq!((info.width, info.height), SIZE);
			for colour in &COLOURS[..5] {
				let drawn = pixels
					.chunks(3)
					.filter(|pixel| *pixel == [colour.0, colour.1, colour.2])
					.count();
				assert!(drawn > 500, "{drawn} pixels of {colour:?}");
			}
		}
	}

	#[test]
	fn curves_end_where_the_picture_does() {
		assert_eq!(
			visible(&[(4, -1.0), (7, -11.0), (10, -13.0), (13, -20.0)]),
			[(4, -1.0), (7, -11.0), (9, LOWEST)]
		);
		assert_eq!(
			visible(&[(4, -1.0), (7, f64::NEG_INFINITY)]),
			[(4, -1.0), (7, LOWEST)]
		);
		assert_eq!(visible(&[(4, f64::NEG_INFINITY)]), []);
		assert!(png(&figure4(0)).is_err());
	}

	#[test]
	fn powers_are_written_small() {
		assert_eq!(power_of_ten(0.0), "1");
		assert_eq!(power_of_ten(-12.0), "10⁻¹²");
	}
}
