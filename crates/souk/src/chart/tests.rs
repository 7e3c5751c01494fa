#![allow(clippy::unwrap_used)]

use super::*;

fn line(points: Vec<(f64, f64)>) -> Line {
    Line { label: "sold".to_owned(), colour: BLUE, points, stroke: Stroke::Thin }
}

fn panel(points: Vec<(f64, f64)>) -> Panel {
    Panel { title: "Tea & <milk>".to_owned(), lines: vec![line(points)], ..Panel::default() }
}

#[test]
fn axes_have_round_numbers_and_begin_at_nothing_where_that_is_near() {
    let names = |span| ticks(span).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names((0.0, 103.0)), ["0", "20", "40", "60", "80", "100"]);
    assert_eq!(names((0.0, 0.9)), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
    assert_eq!(names((-3.0, 4.0)), ["-2", "0", "2", "4"]);
    assert_eq!(Scale::of(&panel(vec![(0.0, 3.0), (9.0, 8.0)])).y, (0.0, 8.0));
    assert_eq!(Scale::of(&panel(vec![(0.0, 97.0), (9.0, 99.0)])).y, (97.0, 99.0));
    assert_eq!(Scale::of(&panel(Vec::new())).y, (0.0, 1.0));
    assert_eq!(Scale::of(&panel(vec![(2.0, 10.0)])).y, (9.0, 11.0));
}

#[test]
fn a_line_goes_from_corner_to_corner() {
    let text = svg(&[panel(vec![(0.0, 0.0), (5.0, f64::NAN), (10.0, 20.0)])]);
    // Left below, right above; what is no number is left out.
    assert!(text.contains("<polyline points=\"76.0,304.0 932.0,84.0\""), "{text}");
    assert!(text.contains("Tea &amp; &lt;milk&gt;") && text.contains(">sold</text>"));
    assert!(!text.contains("NaN") && !text.contains("inf"));
    let two = svg(&[panel(vec![(0.0, 1.0)]), panel(Vec::new())]);
    assert!(two.contains("viewBox=\"0 0 960 720\"") && two.contains("translate(0 360)"));
    assert_eq!(two.matches("<circle").count(), 1);
}

#[test]
fn bands_and_stripes_lie_where_they_are_told() {
    let mut panel = panel(vec![(0.0, 0.0), (10.0, 20.0)]);
    let (label, colour) = ("80 %".to_owned(), BLUE);
    panel.bands = vec![Band {
        label,
        colour,
        opacity: 0.2,
        points: vec![(0.0, 0.0, 10.0), (10.0, 10.0, 20.0)],
    }];
    let label = "promotion".to_owned();
    panel.stripes = vec![Stripe { label, colour: YELLOW, spans: vec![(4.5, 99.0)] }];
    let text = svg(&[panel]);
    assert!(
        text.contains("<polygon points=\"76.0,304.0 932.0,194.0 932.0,84.0 76.0,194.0\""),
        "{text}"
    );
    assert!(text.contains("<rect x=\"461.2\" y=\"84\" width=\"470.8\""), "{text}");
    let names = (0..100).map(|idx| (idx as f64, format!("day {idx}"))).collect::<Vec<_>>();
    assert_eq!(thinned(&names).len(), 8);
}
