use super::*;
use crate::checkerboard;
use crate::visits::{VisitEvent, VisitId, VisitLimits};

fn index_of(visits: &[&[u32]]) -> VisitIndex {
    let mut index = VisitIndex::new(VisitLimits::default());
    for (visit, items) in visits.iter().enumerate() {
        for &item in *items {
            let (visit, time) = (VisitId(visit as u64), visit as i64);
            index.push(VisitEvent { visit, shopper: None, item: Item(item), time });
        }
    }
    index
}

fn ask(index: &VisitIndex, item: u32, params: SimilarParams) -> Vec<(u32, f32, u32)> {
    let query = SimilarQuery { item: Item(item), limit: 10 };
    let answer = similar(index, query, &params, &mut CoScratch::default());
    assert!(answer.iter().all(|scored| scored.evidence.items == [Item(item)]));
    answer.iter().map(|s| (s.item.0, s.score.get(), s.evidence.support)).collect()
}

#[test]
fn hand_computed_cosine() {
    // Item 1 in 4 visits; item 2 in 4, 3 of them with 1; item 3 in 1.
    let index = index_of(&[&[1, 2, 2], &[2, 1], &[1, 2], &[1, 3], &[2]]);
    let params = SimilarParams { shrinkage: 2.0, ..SimilarParams::default() };
    assert_eq!(ask(&index, 1, params), [(2, 3.0 / 6.0, 3), (3, 1.0 / 4.0, 1)]);
    let params = SimilarParams { support_min: 2, ..params };
    assert_eq!(ask(&index, 1, params), [(2, 3.0 / 6.0, 3)]);
    assert_eq!(ask(&index, 9, params), []);
}

#[test]
fn reads_the_most_recent_visits_only() {
    let index = index_of(&[&[1, 2], &[1, 2], &[1, 3], &[1, 3]]);
    let params = SimilarParams { events_max: 4, shrinkage: 0.0, support_min: 1 };
    // Both of the 2 recent visits of 4 hold item 3: 2 · 4/2 / √(4 · 2).
    assert_eq!(ask(&index, 1, params), [(3, 4.0 / 8f32.sqrt(), 2)]);
}

#[test]
fn completes_the_checkerboard() {
    let index = checkerboard::index();
    for item in 0..checkerboard::SIDE {
        let mut found: Vec<u32> =
            ask(&index, item, SimilarParams::default()).iter().map(|found| found.0).collect();
        found.sort_unstable();
        let expected: Vec<u32> = checkerboard::items_of(item).iter().map(|item| item.0).collect();
        assert_eq!(found, expected);
    }
}
