#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use futures::FutureExt;

use super::{Seat, Seats};

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn take(seats: &Arc<Seats>, last: u8) -> Arc<Seat> {
    seats.take(address(last)).now_or_never().expect("there is a seat").unwrap()
}

fn must_leave(seat: &Seat) -> bool {
    seat.asked_to_leave().now_or_never().is_some()
}

#[test]
fn the_longest_waiting_makes_room_and_no_one_at_work() {
    let seats = Seats::new(3, None);
    let (first, second, third) = (take(&seats, 1), take(&seats, 2), take(&seats, 3));
    first.work();
    assert!(seats.take(address(4)).now_or_never().is_none(), "all seats are taken");
    assert!(!must_leave(&first) && must_leave(&second) && !must_leave(&third));
    drop(second);
    let fourth = take(&seats, 4);
    // The first one rested last, so the third is next.
    first.rest();
    assert!(seats.take(address(5)).now_or_never().is_none());
    assert!(!must_leave(&first) && must_leave(&third) && !must_leave(&fourth));
}

#[test]
fn who_waits_for_a_seat_gets_the_next_free_one() {
    let seats = Seats::new(1, None);
    let only = take(&seats, 1);
    only.work();
    let mut next = Box::pin(seats.take(address(2)));
    assert!(next.as_mut().now_or_never().is_none());
    drop(only);
    assert!(next.now_or_never().flatten().is_some());
}

#[test]
fn one_address_takes_no_more_than_its_share() {
    let seats = Seats::new(10, Some(2));
    let (first, _second) = (take(&seats, 1), take(&seats, 1));
    assert!(seats.take(address(1)).now_or_never().unwrap().is_none(), "it has its two");
    let _other = take(&seats, 2);
    drop(first);
    let _third = take(&seats, 1);
}
