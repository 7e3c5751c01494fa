use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{ask, shop_with};

/// Messages by `webhook-id`, with the status that each attempt was answered.
type Attempts = Arc<Mutex<HashMap<String, Vec<(u16, String)>>>>;

/// A receiver that fails until it is told to work.
fn listen(works: Arc<AtomicBool>, attempts: Attempts) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some((mut stream, id, body)) = read(stream.unwrap()) else { continue };
            let status = if works.load(Ordering::SeqCst) { 200 } else { 500 };
            attempts.lock().unwrap().entry(id).or_default().push((status, body));
            let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        }
    });
    port
}

fn read(mut stream: TcpStream) -> Option<(TcpStream, String, String)> {
    let (mut wire, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let Ok(n @ 1..) = stream.read(&mut buffer) else { return None };
        wire.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&wire);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let field = |name: &str| {
            head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
        };
        if field("content-length:").parse() == Ok(body.len()) {
            return Some((stream.try_clone().unwrap(), field("webhook-id:").into(), body.into()));
        }
    }
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holds_text(folder: &Path, text: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds_text(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text)
    })
}

/// The server is killed while its receiver fails; the messages outlive it, and come once the receiver
/// works. No file has the person's id in clear, neither before nor after.
#[test]
fn messages_outlive_a_kill() {
    let (works, attempts) = (Arc::new(AtomicBool::new(false)), Attempts::default());
    let port = listen(Arc::clone(&works), Arc::clone(&attempts));
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let webhooks = format!(
        "  webhooks: {{allow_http: true, allowed_networks: ['127.0.0.0/8'], retry_first_ms: 200, \
         retry_max_s: 1, endpoints: [{{name: crm, url: 'http://127.0.0.1:{port}/', \
         secret: 'file:{}', kinds: [erasure]}}]}}\n",
        secret.display()
    );
    let (_folder, shop) = shop_with("");
    let config = shop.folder().with_file_name("souk.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let privacy = "privacy: {default_jurisdiction: us}\n";
    assert!(text.contains(privacy));
    let more = format!("privacy:\n  default_jurisdiction: us\n{webhooks}");
    std::fs::write(&config, text.replace(privacy, &more)).unwrap();
    let key = shop.create_key("admin").unwrap();

    let anna = "anna-who-outlives@example.com";
    let server = shop.serve().unwrap();
    let path = format!("/v1/subjects/{anna}/erasure");
    let (status, body) = ask(&server, ("POST", &path, &key), "{}");
    assert_eq!(status, 202, "{body}");
    wait("an attempt", || attempts.lock().unwrap().len() >= 2);
    server.kill().unwrap();
    assert!(!holds_text(shop.folder(), anna.as_bytes()));

    let server = shop.serve().unwrap();
    works.store(true, Ordering::SeqCst);
    let n_taken = || {
        let attempts = attempts.lock().unwrap();
        attempts.values().filter(|tries| tries.iter().any(|one| one.0 == 200)).count()
    };
    wait("all three messages", || n_taken() == 3);
    for tries in attempts.lock().unwrap().values() {
        let taken = tries.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(taken, 1, "{tries:?}");
        assert!(tries.iter().all(|one| one.1 == tries[0].1), "the same bytes each time");
    }
    let is_named = |tries: &Vec<(u16, String)>| tries[0].1.contains(anna);
    assert_eq!(attempts.lock().unwrap().values().filter(|tries| is_named(tries)).count(), 1);
    server.stop().unwrap();
    assert!(!holds_text(shop.folder(), anna.as_bytes()));
    let listed = shop.run(&["privacy", "webhooks"]).unwrap();
    assert!(listed.contains("no message waits"), "{listed}");
}
