//! Tables and pictures. Each is whole or not there: it is written beside its place, then moved there.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use thiserror::Error;

/// A file that could not be written.
#[derive(Debug, Error)]
#[error("{}: cannot be written: {reason}", path.display())]
pub(crate) struct OutputError {
    /// The file.
    path: PathBuf,
    /// Why.
    reason: String,
}

impl OutputError {
    fn new(path: &Path, reason: impl ToString) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// A line of a picture.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A picture.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    /// Whether x is drawn by its logarithm. It has no zero then.
    pub(crate) is_log_x: bool,
    pub(crate) series: &'a [Series],
}

/// A bar that says how many steps are done.
pub(crate) fn progress(n_steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed}");
    ProgressBar::new(n_steps).with_style(style.expect("the template is well formed"))
}

/// The value that so many of a hundred are at most as large as; 0 of none.
pub(crate) fn percentile(values: &[u64], percent: f64) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// Writes a table.
pub(crate) fn table(
    path: &Path,
    header: &[&str],
    lines: impl Iterator<Item = Vec<String>>,
) -> Result<(), OutputError> {
    let wrong = |error: csv::Error| OutputError::new(path, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(wrong)?;
    for line in lines {
        writer.write_record(line).map_err(wrong)?;
    }
    let bytes = writer.into_inner();
    write(path, &bytes.map_err(|error| OutputError::new(path, error))?)
}

/// Draws a picture.
pub(crate) fn draw(path: &Path, chart: &Chart<'_>) -> Result<(), OutputError> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (900, 560)).into_drawing_area();
    draw_on(&area, chart).map_err(|error| OutputError::new(path, error))?;
    drop(area);
    write(path, svg.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let wrong = |error: std::io::Error| OutputError::new(path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    let beside = path.with_extension("part");
    fs::write(&beside, bytes).map_err(wrong)?;
    fs::rename(&beside, path).map_err(wrong)
}

type Drawn<'s> = DrawingArea<SVGBackend<'s>, Shift>;
type DrawError<'s> = DrawingAreaErrorKind<<SVGBackend<'s> as DrawingBackend>::ErrorType>;

fn draw_on<'s>(area: &Drawn<'s>, chart: &Chart<'_>) -> Result<(), DrawError<'s>> {
    let points = || chart.series.iter().flat_map(|series| series.points.iter());
    let most = |value: fn(&(f64, f64)) -> f64| points().map(value).fold(0.0, f64::max);
    let (x_most, y_most) = (most(|point| point.0), most(|point| point.1));
    let x_least = points().map(|point| point.0).fold(x_most, f64::min);
    let y_range = 0.0..(y_most * 1.1).max(f64::MIN_POSITIVE);
    area.fill(&WHITE)?;
    let mut builder = ChartBuilder::on(area);
    builder
        .caption(chart.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64);
    if chart.is_log_x {
        let x_range = (x_least..x_most.max(x_least * 1.01)).log_scale();
        draw_series(builder.build_cartesian_2d(x_range, y_range)?, chart)?;
    } else {
        let x_range = x_least.min(0.0)..x_most.max(f64::MIN_POSITIVE);
        draw_series(builder.build_cartesian_2d(x_range, y_range)?, chart)?;
    }
    area.present()
}

fn draw_series<'a, 's: 'a, X>(
    mut context: ChartContext<
        'a,
        SVGBackend<'s>,
        Cartesian2d<X, plotters::coord::types::RangedCoordf64>,
    >,
    chart: &Chart<'_>,
) -> Result<(), DrawError<'s>>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    context
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(chart.x)
        .y_desc(chart.y)
        .draw()?;
    for (number, series) in chart.series.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        context
            .draw_series(LineSeries::new(
                series.points.iter().copied(),
                color.stroke_width(2),
            ))?
            .label(&series.name)
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 16, y)], color.stroke_width(2))
            });
        let dots = series.points.iter();
        context.draw_series(dots.map(|point| Circle::new(*point, 3, color.filled())))?;
    }
    context
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_are_there() {
        let values: Vec<u64> = (1..=1000).rev().collect();
        assert_eq!(percentile(&values, 90.0), 900);
        assert_eq!(percentile(&values, 99.9), 999);
        assert_eq!(percentile(&values, 100.0), 1000);
        assert_eq!(percentile(&[7], 0.0), 7);
        assert_eq!(percentile(&[], 50.0), 0);
    }
}
