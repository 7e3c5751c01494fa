//! Clients that take what belongs to others: the others are served, and memory stays bounded.

use std::io::Write;

use souk_sim::abuse::{Crowd, Framing, Habit, peak_memory_kb, send_large, send_raw};
use souk_sim::server::Server;

use super::{ask, shop_with};

/// Memory that the server may come to, in KB: the bodies' share, and what it needs anyway.
const MEMORY_KB_MAX: u64 = 700 << 10;

const EVENT: &str = r#"{"userId":"u","event":"Product Viewed","properties":{"product_id":"p"}}"#;

/// Everybody else gets what they ask for.
fn others_are_served(server: &Server, key: &str) {
    for _ in 0..20 {
        let (status, body) = ask(server, ("POST", "/v1/track", key), EVENT);
        assert_eq!(status, 200, "{body}");
        let (status, body) =
            ask(server, ("POST", "/v1/recommendations", key), "{\"user_id\":\"u\"}");
        assert_eq!(status, 200, "{body}");
    }
    let memory = peak_memory_kb(server.pid()).unwrap();
    assert!(memory < MEMORY_KB_MAX, "the server had {memory} KB");
}

/// More slow bodies than requests may be in work, from strangers.
#[test]
fn slow_bodies_keep_nobody_out_and_end_with_408() {
    let (_folder, shop) = shop_with("server: {body_timeout_ms: 4000}\n");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let crowd = Crowd::gather(server.address, Habit::SlowBody, 1_100).unwrap();
    others_are_served(&server, &key);
    let endings = crowd.endings();
    assert!(endings.iter().all(|line| line.contains(" 408 ")), "{:?}", endings[0]);
}

#[test]
fn slow_heads_keep_nobody_out_and_are_closed() {
    let (_folder, shop) = shop_with("server: {header_timeout_ms: 2000, connections_max: 300}\n");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let crowd = Crowd::gather(server.address, Habit::SlowHead, 500).unwrap();
    others_are_served(&server, &key);
    let endings = crowd.endings();
    assert!(endings.iter().all(|line| !line.contains(" 200 ")), "{endings:?}");
}

/// As many as the limit of open files allows, up to 10,000: every seat of the default settings.
#[test]
fn idle_connections_make_room_for_others() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let count = usize::try_from(files.saturating_sub(500)).unwrap().min(10_000);
    let (_folder, shop) = shop_with("server: {header_timeout_ms: 600000}\n");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let _crowd = Crowd::gather(server.address, Habit::Idle, count).unwrap();
    println!("{count} idle connections");
    others_are_served(&server, &key);
}

#[test]
fn large_bodies_are_refused_whatever_they_announce() {
    let (_folder, shop) = shop_with("");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    std::thread::scope(|scope| {
        let (address, key) = (server.address, key.as_str());
        let senders: Vec<_> = (0..16)
            .map(|n| {
                let framing = if n % 2 == 0 { Framing::Announced } else { Framing::Chunked };
                scope.spawn(move || {
                    send_large(address, ("/v1/products", key), (100 << 20, framing)).unwrap()
                })
            })
            .collect();
        others_are_served(&server, key);
        for sender in senders {
            let said = sender.join().unwrap();
            // Sixteen at once may also be more than the memory for bodies holds.
            assert!(said.contains(" 413 ") || said.contains(" 503 "), "{said:?}");
        }
    });
    others_are_served(&server, &key);
}

#[test]
fn a_gzip_bomb_is_unpacked_to_its_bound_only() {
    let (_folder, shop) = shop_with("");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..80).for_each(|_| packed.write_all(&vec![b' '; 1 << 20]).unwrap());
    let body = packed.finish().unwrap();
    for (method, path, status) in [("PUT", "/v1/products", " 413 "), ("POST", "/v1/batch", " 400 ")]
    {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: \
             application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let bytes = [head.as_bytes(), &body].concat();
        let said = send_raw(server.address, &bytes).unwrap();
        assert!(said.contains(status), "{path}: {said:?}");
    }
    others_are_served(&server, &key);
}

#[test]
fn floods_of_headers_end_with_431() {
    let (_folder, shop) = shop_with("");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let many: String = (0..5_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(1 << 20));
    for flood in [many, long] {
        let head = format!("GET /livez HTTP/1.1\r\nhost: x\r\n{flood}\r\n");
        let said = send_raw(server.address, head.as_bytes()).unwrap();
        assert!(said.contains(" 431 "), "{said:?}");
    }
    others_are_served(&server, &key);
}

#[test]
fn one_address_takes_no_more_connections_than_it_may() {
    let (_folder, shop) = shop_with("server: {connections_per_address_max: 20}\n");
    let key = shop.create_key("admin").unwrap();
    let server = shop.serve().unwrap();
    let crowd = Crowd::gather(server.address, Habit::Idle, 30).unwrap();
    let refused = send_raw(server.address, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(refused.as_ref().map_or(true, String::is_empty), "{refused:?}");
    drop(crowd);
    // The server hears of the closed connections a moment later than this test.
    while send_raw(server.address, b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .map_or(true, |said| said.is_empty())
    {
        std::thread::yield_now();
    }
    others_are_served(&server, &key);
}
