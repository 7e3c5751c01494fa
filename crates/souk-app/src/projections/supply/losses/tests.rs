use super::*;

fn at(day: i64, hour: i64) -> Timestamp {
    Timestamp::from_ms((20_000 + day) * 86_400_000 + hour * 3_600_000).expect("a time")
}

/// A shelf that holds `level` in the evening and loses `lost` in each night, for so many days.
fn losing(days: i64, (level, lost): (i64, i64)) -> Losses {
    let mut losses = Losses::default();
    for day in 0..days {
        losses.note_loss(lost, at(day, 6));
        losses.note_level(level - lost, at(day, 6));
        losses.note_level(level, at(day, 22));
    }
    losses
}

#[test]
fn a_shelf_loses_a_share_of_what_stands_there() {
    assert!((losing(20, (50_000, 1_000)).share() - 0.02).abs() < 1e-12);
    // What is heard of late says what stood there at its own time.
    let mut late = losing(20, (50_000, 1_000));
    (0..20).for_each(|day| late.note_level(3_000, at(day, 12)));
    assert!((late.share() - 0.02).abs() < 1e-12);
    // Days of which nothing is told hold what stood there before: ten and eleven of them at 40, with one piece lost each time.
    let mut seldom = Losses::default();
    for day in [0, 10, 21, 31] {
        seldom.note_loss(1_000, at(day, 6));
        seldom.note_level(40_000, at(day, 6));
    }
    assert!((seldom.share() - 3.0 / (31.0 * 40.0)).abs() < 1e-12);
}

#[test]
fn too_little_and_too_much_tell_nothing() {
    assert_eq!(losing(3, (50_000, 1_000)).share(), 0.0, "two nights");
    assert!(losing(4, (50_000, 1_000)).share() > 0.0);
    assert_eq!(losing(20, (10_000, 9_000)).share(), SHARE_MAX);
    assert_eq!(losing(20, (0, 1_000)).share(), 0.0, "of nothing");
    assert_eq!(Losses::default().share(), 0.0);
}

#[test]
fn the_latest_days_count_and_are_read_back() {
    let mut losses = losing(100, (50_000, 1_000));
    assert_eq!(losses.days.len(), DAYS_MAX);
    assert_eq!(losses.days[0].day, 20_000 + 100 - DAYS_MAX as i32);
    let before = losses.clone();
    losses.note_loss(50_000, at(3, 0));
    assert_eq!(losses, before, "a day before all that is kept");
    // One that was left out comes to its place, and the first one goes.
    losses.days.remove(30);
    losses.note_loss(7_000, at(100 - DAYS_MAX as i64 + 30, 1));
    assert_eq!(losses.days[30].lost_milli, 7_000);
    assert!(losses.days.iter().zip(losses.days.iter().skip(1)).all(|(a, b)| a.day < b.day));
    let mut w = Writer::new();
    losses.write(&mut w);
    let bytes = w.into_bytes();
    assert_eq!(Losses::read(&mut Reader::new(&bytes)).expect("whole"), losses);
}
