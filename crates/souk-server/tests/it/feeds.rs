//! Feeds as a file server meets them: over TCP.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use souk_app::{Config, FeedCall, Fetched, Validators};

/// A file server on this machine that gives this answer to everybody; the heads of requests come out.
fn listen(answer: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut buffer) = (Vec::new(), [0; 4_096]);
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                let Ok(n @ 1..) = stream.read(&mut buffer) else { break };
                head.extend_from_slice(&buffer[..n]);
            }
            let _ = sender.send(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(answer.as_bytes());
            // A server that never ends its answer keeps the connection.
            if answer.contains("Content-Length: 999999") {
                std::thread::sleep(Duration::from_secs(20));
            }
        }
    });
    (port, heads)
}

const LOCAL: &str = "allow_http: true, allowed_networks: ['127.0.0.0/8']";

struct Asked<'a> {
    settings: &'a str,
    validators: Validators,
    bytes_max: u64,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Asked { settings: LOCAL, validators: Validators::default(), bytes_max: 1_000 }
    }
}

fn fetch(port: u16, asked: &Asked<'_>) -> (Result<Fetched, String>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("feed");
    let url = format!("http://127.0.0.1:{port}/feed.xml?shop=1");
    let config = Config::parse(&format!("feeds: {{{}}}", asked.settings), []).unwrap();
    let fetcher = souk_server::feed_fetcher(&config.feeds).unwrap();
    let call = FeedCall {
        url: &url,
        validators: &asked.validators,
        bytes_max: asked.bytes_max,
        timeout: Duration::from_millis(1_500),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fetched = runtime.block_on(fetcher.fetch(call, &to));
    (fetched, std::fs::read(&to).unwrap_or_default())
}

const OK: &str = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT\r\n\
                  Content-Length: 6\r\nConnection: close\r\n\r\n<rss/>";

#[test]
fn a_file_is_fetched_with_its_marks_and_asked_for_by_them() {
    let (port, heads) = listen(OK);
    let (fetched, file) = fetch(port, &Asked::default());
    let Fetched::Whole(validators) = fetched.unwrap() else { panic!("it is new") };
    assert_eq!(file, b"<rss/>");
    assert_eq!(validators.etag.as_deref(), Some("\"v1\""));
    let head = heads.recv().unwrap().to_lowercase();
    assert!(head.starts_with("get /feed.xml?shop=1 http/1.1"), "{head}");
    assert!(!head.contains("if-none-match"), "{head}");
    fetch(port, &Asked { validators, ..Asked::default() }).0.unwrap();
    let head = heads.recv().unwrap().to_lowercase();
    assert!(head.contains("if-none-match: \"v1\""), "{head}");
    assert!(head.contains("if-modified-since: thu, 15 jan 2026 12:00:00 gmt"), "{head}");
}

#[test]
fn an_unchanged_file_is_told_and_only_where_it_was_asked_for() {
    let (port, _heads) = listen("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    let validators = Validators { etag: Some("\"v1\"".to_owned()), last_modified: None };
    assert_eq!(fetch(port, &Asked { validators, ..Asked::default() }).0, Ok(Fetched::Unchanged));
    assert!(fetch(port, &Asked::default()).0.unwrap_err().contains("304"));
}

#[test]
fn what_is_no_file_is_refused_with_the_reason() {
    let cases = [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
            "redirects are not followed",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
            "content encoding",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nshort", "broke off"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nslow", "within 1 s"),
    ];
    for (answer, expected) in cases {
        let (port, _heads) = listen(answer);
        let error = fetch(port, &Asked::default()).0.unwrap_err();
        assert!(error.contains(expected), "{answer}: {error}");
    }
    let (port, _heads) = listen(OK);
    let error = fetch(port, &Asked { bytes_max: 5, ..Asked::default() }).0.unwrap_err();
    assert!(error.contains("over 5 bytes"), "{error}");
}

#[test]
fn no_address_of_the_shops_own_network_is_reached_unless_a_setting_says_so() {
    let (port, heads) = listen(OK);
    let error =
        fetch(port, &Asked { settings: "allow_http: true", ..Asked::default() }).0.unwrap_err();
    assert!(error.contains("no public address; `feeds.allowed_networks` can allow it"), "{error}");
    let error = fetch(port, &Asked { settings: "", ..Asked::default() }).0.unwrap_err();
    assert!(error.contains("`feeds.allow_http`"), "{error}");
    assert!(heads.try_recv().is_err(), "nobody may have been asked");
}
