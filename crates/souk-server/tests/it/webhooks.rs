//! Webhooks as a receiver meets them: over TCP, with signatures checked by other code than made them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig as TlsConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::http::{get, post};
use crate::shop::{Setup, Shop};

/// The bytes of the tests' secret.
const KEY: [u8; 32] = [9; 32];

/// What a receiver was sent.
#[derive(Clone, Debug)]
struct Sent {
    head: String,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    /// Checks the signature with `ring`, which did not make it.
    fn is_signed(&self) -> bool {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let text = format!("{id}.{at}.{}", self.body);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &KEY);
        let signature = self.header("webhook-signature").strip_prefix("v1,").unwrap();
        let signature = STANDARD.decode(signature).unwrap();
        at.parse::<u64>().unwrap().abs_diff(now) < 300
            && ring::hmac::verify(&key, text.as_bytes(), &signature).is_ok()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver on this machine, which answers with these status lines and then with the last one.
fn listen(statuses: &'static [&'static str], tls: Option<TlsConfig>) -> (u16, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, sent) = channel();
    let tls = tls.map(Arc::new);
    std::thread::spawn(move || {
        for (idx, stream) in listener.incoming().enumerate() {
            let status = statuses[idx.min(statuses.len() - 1)];
            let stream = stream.unwrap();
            match &tls {
                Some(tls) => {
                    let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                    answer(&mut StreamOwned::new(connection, stream), (status, &sender));
                }
                None => answer(&mut { stream }, (status, &sender)),
            }
        }
    });
    (port, sent)
}

fn answer(stream: &mut (impl Read + Write), (status, sender): (&str, &Sender<Sent>)) {
    let (mut wire, mut buffer) = (Vec::new(), [0; 4_096]);
    let sent = loop {
        let Ok(n @ 1..) = stream.read(&mut buffer) else { return };
        wire.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&wire).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let sent = Sent { head: head.to_owned(), body: body.to_owned() };
        if sent.header("content-length").parse::<usize>().unwrap() == body.len() {
            break sent;
        }
    };
    let _ = sender.send(sent);
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    let _ = stream.flush();
}

/// A shop that tells `url` of erasures.
fn shop(url: &str, more: &str) -> (Shop, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("whsec_{}\n", STANDARD.encode(KEY))).unwrap();
    let settings = format!(
        "privacy: {{webhooks: {{retry_first_ms: 10, {more}, endpoints: [{{name: crm, \
         url: '{url}', secret: 'file:{}', kinds: [erasure]}}]}}}}",
        file.display()
    );
    let settings = Box::leak(settings.into_boxed_str());
    (Shop::with(Setup { settings, ..Setup::default() }), folder)
}

const OWN: &str = "allow_http: true, allowed_networks: ['127.0.0.0/8']";

fn erase(shop: &Shop) -> Value {
    let path = "/v1/subjects/anna@example.com/erasure";
    shop.admin(post(path, &json!({}))).expect(202).json()
}

fn next(sent: &Receiver<Sent>) -> Sent {
    sent.recv_timeout(Duration::from_secs(60)).unwrap()
}

fn metric(shop: &Shop, labels: &str) -> String {
    let page = shop.send(&get("/metrics")).expect(200);
    let line = page.text().lines().find(|line| line.contains(labels)).unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

fn wait_for_metric(shop: &Shop, labels: &str, value: &str) {
    let began = std::time::Instant::now();
    while metric(shop, labels) != value {
        assert!(began.elapsed().as_secs() < 60, "{labels} is {}", metric(shop, labels));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn each_message_is_signed_and_comes_once() {
    let (port, sent) = listen(&["200 OK"], None);
    let (shop, _folder) = shop(&format!("http://127.0.0.1:{port}/hooks/souk?shop=1"), OWN);
    let request = erase(&shop);
    let all: Vec<Sent> = (0..3).map(|_| next(&sent)).collect();
    let mut whats = Vec::new();
    for one in &all {
        assert!(one.head.starts_with("POST /hooks/souk?shop=1 HTTP/1.1"), "{}", one.head);
        assert_eq!(one.header("host"), format!("127.0.0.1:{port}"));
        assert_eq!(one.header("content-type"), "application/json");
        assert!(one.is_signed(), "{one:?}");
        let altered = Sent { body: one.body.replace("pr_", "pr-"), ..one.clone() };
        assert!(!altered.is_signed());
        assert_eq!(one.json()["data"]["request_id"], request["request_id"]);
        whats.push(one.json()["type"].as_str().unwrap().to_owned());
        let is_verified = one.json()["type"] == "privacy_request.verified";
        assert_eq!(one.body.contains("anna@example.com"), is_verified, "{}", one.body);
    }
    whats.sort();
    let expected =
        ["completed", "received", "verified"].map(|what| format!("privacy_request.{what}"));
    assert_eq!(whats, expected);
    wait_for_metric(
        &shop,
        "souk_webhook_attempts_total{endpoint=\"crm\",outcome=\"delivered\"}",
        "3",
    );
    wait_for_metric(&shop, "souk_webhooks{endpoint=\"crm\",state=\"waiting\"}", "0");
    assert!(sent.recv_timeout(Duration::from_millis(300)).is_err(), "once each");
}

#[test]
fn a_receiver_that_fails_gets_the_same_message_again() {
    let (port, sent) = listen(&["500 Oops", "503 Later", "204 No Content"], None);
    let (shop, _folder) = shop(&format!("http://127.0.0.1:{port}/"), OWN);
    erase(&shop);
    let all: Vec<Sent> = (0..5).map(|_| next(&sent)).collect();
    for failed in &all[..2] {
        let id = failed.header("webhook-id");
        let again = all[2..].iter().find(|one| one.header("webhook-id") == id).unwrap();
        assert_eq!(again.body, failed.body, "the same bytes");
        assert!(again.is_signed());
    }
}

#[test]
fn redirects_are_not_followed() {
    let (elsewhere, strayed) = listen(&["200 OK"], None);
    let to = format!("307 Temporary Redirect\r\nlocation: http://127.0.0.1:{elsewhere}/");
    let (port, sent) = listen(vec![&*to.leak()].leak(), None);
    let more = format!("{OWN}, attempts_max: 2");
    let (shop, _folder) = shop(&format!("http://127.0.0.1:{port}/"), &more);
    erase(&shop);
    wait_for_metric(&shop, "souk_webhooks{endpoint=\"crm\",state=\"dead\"}", "3");
    assert_eq!(sent.try_iter().count(), 6);
    assert!(strayed.try_recv().is_err());
}

#[test]
fn addresses_that_are_not_public_are_not_connected_to() {
    let (port, sent) = listen(&["200 OK"], None);
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433"] {
        let more = "allow_http: true, attempts_max: 1, allowed_networks: ['10.0.0.0/8']";
        let (shop, _folder) = shop(&format!("http://{host}:{port}/"), more);
        erase(&shop);
        wait_for_metric(&shop, "souk_webhooks{endpoint=\"crm\",state=\"dead\"}", "3");
        let admin = souk_app::Caller::local_admin();
        let listed = shop.runtime.block_on(shop.app.webhook_deliveries(&admin, None));
        let error = listed.unwrap().items.remove(0).error.unwrap();
        let is_refused = error.contains("no public address");
        // A machine without IPv6 may not know its own name for it.
        assert!(is_refused || host.starts_with('['), "{host}: {error}");
    }
    assert!(sent.try_recv().is_err());
}

#[test]
fn a_message_goes_over_tls_to_whom_the_authorities_vouch_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let config = || {
        let certificate = CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap();
        let key = made.signing_key.serialize_pem();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        TlsConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap()
    };
    let own = "allowed_networks: ['127.0.0.0/8', '::1']";
    let (port, sent) = listen(&["200 OK"], Some(config()));
    let more = format!("{own}, ca_file: '{}'", file.display());
    let (shop, _trusted) = self::shop(&format!("https://localhost:{port}/"), &more);
    erase(&shop);
    assert!(next(&sent).is_signed());
    // The same receiver under a name that its certificate does not have.
    let (port, unsent) = listen(&["200 OK"], Some(config()));
    let more = format!("{own}, attempts_max: 1, ca_file: '{}'", file.display());
    let (shop, _other) = self::shop(&format!("https://127.0.0.1:{port}/"), &more);
    erase(&shop);
    wait_for_metric(&shop, "souk_webhooks{endpoint=\"crm\",state=\"dead\"}", "3");
    assert!(unsent.try_recv().is_err());
}
