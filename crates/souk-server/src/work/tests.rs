#![allow(clippy::unwrap_used)]

use super::{Bounds, Full, Work};

#[test]
fn a_request_that_arrives_takes_no_place_until_it_is_whole() {
    let bounds = Bounds::new(1, 100);
    let (slow, quick) = (Work::arriving(&bounds, None), Work::arriving(&bounds, None));
    quick.begin().unwrap();
    quick.begin().unwrap();
    assert_eq!((bounds.in_work(), slow.begin()), (2, Err(Full::Requests)));
    drop(quick);
    assert_eq!((bounds.in_work(), slow.begin()), (1, Ok(())));
}

#[test]
fn the_bytes_of_all_bodies_are_bounded_and_given_back() {
    let bounds = Bounds::new(9, 100);
    let (one, other) = (Work::arriving(&bounds, None), Work::arriving(&bounds, None));
    one.keep_bytes(40).unwrap();
    one.keep_bytes(40).unwrap();
    assert_eq!(other.keep_bytes(30), Err(Full::Bodies));
    one.keep_only(60);
    other.keep_bytes(30).unwrap();
    drop(one);
    other.keep_bytes(70).unwrap();
    assert_eq!(other.keep_bytes(1), Err(Full::Bodies));
}
