use crate::air::Numbers;
use crate::{Model, Settings, Task, forecast};

fn settings() -> Settings {
    let (levels, quantiles) = (vec![0.8, 0.95], vec![0.5, 0.9]);
    Settings { model: Model::Auto, horizon: 6, levels, quantiles, threads: 2 }
}

/// Coverage of fresh values, for walks with steps of three widths and for counts.
fn coverage(make: impl Fn(&mut Numbers) -> Vec<f64>) -> [f64; 2] {
    let mut numbers = Numbers(99);
    let series: Vec<Vec<f64>> = (0..400).map(|_| make(&mut numbers)).collect();
    let task = |(id, y): (usize, &Vec<f64>)| Task {
        id: id.to_string(),
        y: y[..y.len() - 6].to_vec(),
        season_length: 1,
    };
    let tasks: Vec<Task> = series.iter().enumerate().map(task).collect();
    let found = forecast(&tasks, &settings());
    let share = |level: usize| {
        let mut inside = 0;
        for (found, y) in found.iter().zip(&series) {
            let (low, high) = &found.intervals[level];
            let actual = &y[y.len() - 6..];
            inside +=
                (0..6).filter(|step| (low[*step]..=high[*step]).contains(&actual[*step])).count();
        }
        inside as f64 / (6.0 * series.len() as f64)
    };
    [share(0), share(1)]
}

#[test]
fn walks_are_covered_as_promised() {
    let [eighty, most] = coverage(|numbers| {
        let width = 10.0_f64.powf(numbers.unit() * 2.0);
        let mut level = 1_000.0;
        (0..36)
            .map(|_| {
                level += width * numbers.normal();
                level
            })
            .collect()
    });
    assert!((eighty - 0.8).abs() < 0.05 && (most - 0.95).abs() < 0.03, "{eighty} {most}");
}

#[test]
fn counts_are_never_covered_less_than_promised() {
    let [eighty, most] = coverage(|numbers| {
        let rate = 0.3 + 3.0 * numbers.unit();
        (0..36)
            .map(|_| {
                let (mut count, mut left) = (0.0, (-rate).exp());
                loop {
                    left /= numbers.unit().max(1e-12);
                    if left >= 1.0 {
                        break count;
                    }
                    count += 1.0;
                }
            })
            .collect()
    });
    assert!(eighty > 0.78 && most > 0.93, "{eighty} {most}");
}

#[test]
fn wider_promises_are_wider_and_quantiles_ascend() {
    let y: Vec<f64> = (0..40).map(|t| 50.0 + f64::from(t % 5)).collect();
    let task = Task { id: "a".to_owned(), y, season_length: 1 };
    let found = &forecast(&[task], &settings())[0];
    for step in 0..6 {
        let [near, far] = [&found.intervals[0], &found.intervals[1]];
        assert!(far.0[step] <= near.0[step] && near.1[step] <= far.1[step]);
        assert!(found.quantiles[0][step] <= found.quantiles[1][step]);
    }
}
