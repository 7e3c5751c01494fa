//! Charts as SVG: lines, bands and stripes over a horizontal axis, one panel below the other.
//!
//! Not a library of charts: what a forecast and a replay need, in words that stand beside the colours, so that a picture
//! can be read without them.

use std::fmt::Write as _;

#[cfg(test)]
mod tests;

/// Pixels of a panel, and what of them is no plot.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 56.0;
/// The usual width of a letter of 12 pixels.
const LETTER: f64 = 6.4;
/// Lines of the grid that are aimed at.
const N_GRID: f64 = 6.0;
/// Dates below the axis that are aimed at.
const N_TICKS: usize = 8;
/// An axis begins at 0 unless everything lies above this share of the highest value.
const FROM_ZERO: f64 = 0.6;

/// Colours that people with any sight tell apart (Okabe and Ito, Color Universal Design, 2008).
pub(crate) const BLUE: &str = "#0072b2";
pub(crate) const ORANGE: &str = "#d55e00";
pub(crate) const GREEN: &str = "#009e73";
pub(crate) const DARK: &str = "#333333";
pub(crate) const YELLOW: &str = "#f0e442";

/// One picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// A line of explanation below it.
    pub(crate) subtitle: String,
    /// What is along the axes, with units.
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// Names of places along the horizontal axis, of which some are written; without any, numbers are.
    pub(crate) x_names: Vec<(f64, String)>,
    pub(crate) stripes: Vec<Stripe>,
    pub(crate) bands: Vec<Band>,
    pub(crate) lines: Vec<Line>,
}

/// Points joined by a line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) colour: &'static str,
    /// From left to right.
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) stroke: Stroke,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    Thin,
    Thick,
    /// With a dot at each point.
    Dotted,
}

/// What lies between two lines.
#[derive(Clone, Debug)]
pub(crate) struct Band {
    pub(crate) label: String,
    pub(crate) colour: &'static str,
    /// From 0, nothing, to 1, all.
    pub(crate) opacity: f64,
    /// Place, from, to.
    pub(crate) points: Vec<(f64, f64, f64)>,
}

/// Parts of the horizontal axis, from top to bottom.
#[derive(Clone, Debug)]
pub(crate) struct Stripe {
    pub(crate) label: String,
    pub(crate) colour: &'static str,
    pub(crate) spans: Vec<(f64, f64)>,
}

/// All panels below each other, as an SVG document.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let height = HEIGHT * panels.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#333333\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (idx, panel) in panels.iter().enumerate() {
        let _ = writeln!(text, "<g transform=\"translate(0 {})\">", HEIGHT * idx as f64);
        draw(panel, &mut text);
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

/// Where values lie on the picture.
struct Scale {
    x: (f64, f64),
    y: (f64, f64),
}

impl Scale {
    fn of(panel: &Panel) -> Scale {
        let line = panel.lines.iter().flat_map(|line| line.points.iter().copied());
        let band = panel.bands.iter().flat_map(|band| &band.points);
        let band = band.flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
        let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        let points: Vec<(f64, f64)> = line.chain(band).filter(finite).collect();
        let span = |of: fn(&(f64, f64)) -> f64| {
            let least = points.iter().map(of).fold(f64::INFINITY, f64::min);
            let most = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
            if least <= most { (least, most) } else { (0.0, 1.0) }
        };
        let (x, mut y) = (span(|point| point.0), span(|point| point.1));
        if y.0 >= 0.0 && y.0 < FROM_ZERO * y.1 {
            y.0 = 0.0;
        }
        Scale { x: widened(x), y: widened(y) }
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (from, to): (f64, f64)| (value - from) / (to - from);
        let across = LEFT + share(x, self.x) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - share(y, self.y) * (HEIGHT - TOP - BOTTOM))
    }
}

/// An axis has some length.
fn widened((from, to): (f64, f64)) -> (f64, f64) {
    if to > from {
        return (from, to);
    }
    let by = (from.abs() * 0.1).max(0.5);
    if from == 0.0 { (0.0, 1.0) } else { (from - by, to + by) }
}

/// A step of 1, 2 or 5 times a power of ten.
fn nice_step(length: f64) -> f64 {
    let raw = length / N_GRID;
    let power = 10f64.powf(raw.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| raw <= times * power);
    times.unwrap_or(10.0) * power
}

fn ticks((from, to): (f64, f64)) -> Vec<(f64, String)> {
    let step = nice_step(to - from);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((from / step - 1e-9).ceil() as i64, (to / step + 1e-9).floor() as i64);
    let name = |idx: i64| (idx as f64 * step, format!("{:.digits$}", idx as f64 * step));
    (first..=last).map(name).collect()
}

/// At most so many names, evenly spread.
fn thinned(names: &[(f64, String)]) -> Vec<(f64, String)> {
    let every = names.len().div_ceil(N_TICKS).max(1);
    names.iter().step_by(every).cloned().collect()
}

fn escaped(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = kept.collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn draw(panel: &Panel, text: &mut String) {
    let scale = Scale::of(panel);
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let _ = writeln!(
        text,
        "<text x=\"{LEFT}\" y=\"28\" font-size=\"17\" font-weight=\"600\">{}</text>\n\
         <text x=\"{LEFT}\" y=\"47\" fill=\"#595959\">{}</text>",
        escaped(&panel.title),
        escaped(&panel.subtitle)
    );
    for stripe in &panel.stripes {
        for (from, to) in &stripe.spans {
            let clipped = |x: f64| scale.at(x, 0.0).0.clamp(LEFT, right);
            let (from, to) = (clipped(*from), clipped(*to));
            let (width, height) = (to - from, bottom - TOP);
            let _ = writeln!(
                text,
                "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{}\" opacity=\"0.35\"/>",
                stripe.colour
            );
        }
    }
    for (value, name) in ticks(scale.y) {
        let (_, y) = scale.at(scale.x.0, value);
        let beside = LEFT - 8.0;
        let _ = writeln!(
            text,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{beside}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
            y + 4.0
        );
    }
    let names = match panel.x_names.is_empty() {
        true => ticks(scale.x),
        false => thinned(&panel.x_names),
    };
    for (value, name) in names {
        let (x, _) = scale.at(value, scale.y.0);
        let (below, name) = (bottom + 5.0, escaped(&name));
        let _ = writeln!(
            text,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{below}\" stroke=\"#333333\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            bottom + 19.0
        );
    }
    let (centre, middle) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    let _ = writeln!(
        text,
        "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#333333\"/>\n\
         <text x=\"{centre}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
         <text transform=\"translate(20 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        bottom + 42.0,
        escaped(&panel.x_label),
        escaped(&panel.y_label)
    );
    for band in &panel.bands {
        draw_band(band, &scale, text);
    }
    for line in &panel.lines {
        draw_line(line, &scale, text);
    }
    draw_legend(panel, text);
}

fn draw_band(band: &Band, scale: &Scale, text: &mut String) {
    let is_finite = |(x, low, high): &&(f64, f64, f64)| (x + low + high).is_finite();
    let points: Vec<&(f64, f64, f64)> = band.points.iter().filter(is_finite).collect();
    let there = points.iter().map(|(x, low, _)| scale.at(*x, *low));
    let back = points.iter().rev().map(|(x, _, high)| scale.at(*x, *high));
    let corners: Vec<String> = there.chain(back).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let (colour, opacity) = (band.colour, band.opacity);
    let corners = corners.join(" ");
    let _ =
        writeln!(text, "<polygon points=\"{corners}\" fill=\"{colour}\" opacity=\"{opacity}\"/>");
}

fn draw_line(line: &Line, scale: &Scale, text: &mut String) {
    let finite = line.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    let points: Vec<(f64, f64)> = finite.map(|(x, y)| scale.at(*x, *y)).collect();
    let joined: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let width = if line.stroke == Stroke::Thin { 1.3 } else { 2.4 };
    let (colour, joined) = (line.colour, joined.join(" "));
    let _ = writeln!(
        text,
        "<polyline points=\"{joined}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>"
    );
    // A single point is no line.
    if line.stroke == Stroke::Dotted || points.len() == 1 {
        for (x, y) in points {
            let _ =
                writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
        }
    }
}

/// A row of samples with their names, below the title.
fn draw_legend(panel: &Panel, text: &mut String) {
    let mut x = LEFT;
    let lines = panel.lines.iter().map(|line| (&line.label, line.colour, None));
    let bands = panel.bands.iter().map(|band| (&band.label, band.colour, Some(band.opacity)));
    let stripes = panel.stripes.iter().map(|stripe| (&stripe.label, stripe.colour, Some(0.35)));
    for (label, colour, fill) in lines.chain(bands).chain(stripes) {
        let _ = match fill {
            None => write!(
                text,
                "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"65\" y2=\"65\" stroke=\"{colour}\" stroke-width=\"2.4\"/>",
                x + 22.0
            ),
            Some(opacity) => write!(
                text,
                "<rect x=\"{x:.1}\" y=\"59\" width=\"22\" height=\"12\" fill=\"{colour}\" opacity=\"{opacity}\"/>"
            ),
        };
        let _ = writeln!(text, "<text x=\"{:.1}\" y=\"69\">{}</text>", x + 28.0, escaped(label));
        x += 28.0 + LETTER * label.chars().count() as f64 + 22.0;
    }
}
