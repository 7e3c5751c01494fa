//! People who sign in, with a provider that answers over the network.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig as TlsConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::{Setup, Shop};

/// An identity provider on this machine: it hands out its key set and signs tokens.
struct Provider {
    key: Ed25519KeyPair,
    port: u16,
    asked: Arc<AtomicUsize>,
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    /// Answers every request with its key set, or with this status line.
    fn open(status: &'static str, tls: Option<TlsConfig>) -> Provider {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "alg": "EdDSA",
            "x": base64(key.public_key())});
        let body = json!({ "keys": [jwk] }).to_string();
        let answer = format!(
            "HTTP/1.1 {status}\r\nlocation: /elsewhere\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, tls) = (Arc::clone(&asked), tls.map(Arc::new));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Relaxed);
                let stream = stream.unwrap();
                match &tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        exchange(&mut StreamOwned::new(connection, stream), &answer);
                    }
                    None => exchange(&mut { stream }, &answer),
                }
            }
        });
        Provider { key, port, asked }
    }

    fn token(&self, claims: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut whole = json!({"iss": "https://login.shop.example", "aud": "souk", "sub": "anna",
            "exp": now + 60});
        whole.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let header = base64(json!({"alg": "EdDSA", "kid": "k1"}).to_string());
        let signed = format!("{header}.{}", base64(whole.to_string()));
        format!("{signed}.{}", base64(self.key.sign(signed.as_bytes())))
    }
}

fn exchange(stream: &mut (impl Read + Write), answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn shop_with(jwks: &str, more: &str) -> Shop {
    let settings = format!(
        "access: {{oidc: {{issuer: 'https://login.shop.example', audience: souk, jwks: '{jwks}', \
         roles: {{admins: admin, buyers: planner, officers: privacy, readers: analyst}}{more}}}}}"
    );
    Shop::with(Setup { settings: settings.leak(), ..Setup::default() })
}

/// What each group is let into, by hand: `+` let in, `-` 403. Columns: nobody's group, readers, buyers,
/// officers, buyers and officers, admins.
const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "/v1/products", "-++-++"),
    ("POST", "/v1/recommendations", "-----+"),
    ("POST", "/v1/batch", "--+-++"),
    ("GET", "/v1/keys", "-----+"),
    ("GET", "/v1/audit", "---+++"),
    ("GET", "/v1/audit/head", "---+++"),
    ("GET", "/v1/privacy/requests", "---+++"),
    ("GET", "/v1/subjects/u1/consents", "---+++"),
    ("PUT", "/v1/products", "-----+"),
];

#[test]
fn each_route_admits_the_groups_of_the_table() {
    let provider = Provider::open("200 OK", None);
    let shop = shop_with(&format!("http://127.0.0.1:{}/jwks?a=1", provider.port), "");
    let groups = [
        json!(["karaoke", "admin"]),
        json!(["readers"]),
        json!(["buyers"]),
        json!("officers"),
        json!(["buyers", "officers"]),
        json!(["admins"]),
    ];
    for (method, path, row) in TABLE {
        assert_eq!(row.len(), groups.len());
        for (groups, cell) in groups.iter().zip(row.chars()) {
            let token = provider.token(&json!({ "roles": groups }));
            let ask = call(method, path).key(&token);
            let ask = if *method == "GET" { ask } else { ask.json(&json!({})) };
            let reply = shop.send(&ask);
            let place = format!("{method} {path} as {groups}: {}", reply.status);
            assert!(reply.status != 401 && reply.status < 500, "{place}");
            assert_eq!(reply.status == 403, cell == '-', "{place}");
            // What a person sees is nothing for a page of another origin.
            let from_a_page = shop.send(&ask.header("origin", "https://evil.example"));
            assert_eq!(from_a_page.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(provider.asked.load(Relaxed), 1, "the keys are kept");
}

#[test]
fn a_person_is_in_the_audit_log_under_a_pseudonym() {
    let provider = Provider::open("200 OK", None);
    let shop = shop_with(&format!("http://localhost:{}/jwks", provider.port), "");
    let token = provider.token(&json!({"sub": "anna@shop.example", "roles": ["admins"]}));
    shop.send(&post("/v1/keys", &json!({"role": "analyst"})).key(&token)).expect(201);
    let who = shop.app.audit_person("anna@shop.example").unwrap();
    let path = format!("/v1/audit?key={who}&operation=key");
    let page = shop.admin(get(&path)).expect(200).json();
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{page}");
    assert_eq!((&entries[0]["operation"], &entries[0]["who"]), (&json!("key.create"), &json!(who)));
    assert!(!page.to_string().contains("anna"));
    // A person may not be taken for a shopper's page, nor a token for a Segment write key.
    let body = json!({"type": "track", "event": "x", "userId": "u", "writeKey": token});
    shop.send(&post("/v1/track", &body)).problem(401, "unauthenticated");
}

#[test]
fn tokens_that_are_not_good_are_401_and_say_nothing() {
    let provider = Provider::open("200 OK", None);
    let shop = shop_with(&format!("http://127.0.0.1:{}/jwks", provider.port), "");
    let good = provider.token(&json!({"roles": ["admins"]}));
    shop.send(&get("/v1/keys").key(&good)).expect(200);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let stranger = Provider::open("200 OK", None);
    let unsigned = base64(json!({"alg": "none"}).to_string());
    let payload = good.split('.').nth(1).unwrap();
    for token in [
        format!("{signed}."),
        format!("{unsigned}.{payload}."),
        stranger.token(&json!({"roles": ["admins"]})),
        provider.token(&json!({"roles": ["admins"], "exp": 1})),
        provider.token(&json!({"roles": ["admins"], "aud": "other"})),
        provider.token(&json!({"roles": ["admins"], "iss": "https://evil.example"})),
        "..".to_owned(),
        format!("{good}{}", "A".repeat(20_000)),
    ] {
        let reply = shop.send(&get("/v1/keys").key(&token));
        let told = reply.problem(401, "unauthenticated")["detail"].clone();
        assert_eq!(told, "a valid key is needed; send `Authorization: Bearer KEY`");
    }
}

#[test]
fn a_provider_that_redirects_or_fails_gives_no_keys() {
    for status in ["302 Found", "500 Oops", "404 Not Found"] {
        let provider = Provider::open(status, None);
        let shop = shop_with(&format!("http://127.0.0.1:{}/jwks", provider.port), "");
        let token = provider.token(&json!({"roles": ["admins"]}));
        shop.send(&get("/v1/keys").key(&token)).problem(401, "unauthenticated");
        shop.send(&get("/v1/keys").key(&token)).problem(401, "unauthenticated");
        assert_eq!(provider.asked.load(Relaxed), 1, "{status}: asked once, and not soon again");
        // Keys go on working.
        shop.admin(get("/v1/keys")).expect(200);
    }
}

#[test]
fn keys_come_over_tls_from_a_host_that_somebody_vouches_for() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    let tls = || {
        let chain = vec![CertificateDer::from_pem_file(&ca_file).unwrap()];
        let key = made.signing_key.serialize_pem();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = TlsConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
        config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()
    };
    let ask = |host: &str, more: &str| {
        let provider = Provider::open("200 OK", Some(tls()));
        let shop = shop_with(&format!("https://{host}:{}/jwks", provider.port), more);
        let token = provider.token(&json!({"roles": ["admins"]}));
        shop.send(&get("/v1/keys").key(&token)).status
    };
    let vouched = format!(", ca_file: '{}'", ca_file.display());
    assert_eq!(ask("localhost", &vouched), 200);
    // The certificate is for another name, or nobody vouches for it.
    assert_eq!(ask("127.0.0.1", &vouched), 401);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_file = folder.path().join("other.pem");
    std::fs::write(&other_file, other.cert.pem()).unwrap();
    assert_eq!(ask("localhost", &format!(", ca_file: '{}'", other_file.display())), 401);
}

/// Refusals that come after the door are counted like those at the door.
#[test]
fn refusals_by_event_place_and_person_are_counted() {
    let mut shop = Shop::open();
    let page = shop.key(Role::StorefrontBrowser);
    shop.send(&get("/v1/subjects/u1/consents").key(&page)).problem(403, "denied");
    let planner = shop.key(Role::Planner);
    let event = json!({"type": "track", "event": "Price Changed",
        "properties": {"product_id": "p1", "price": 1}});
    shop.send(&post("/v1/batch", &json!({"batch": [event, event]})).key(&planner)).expect(200);
    shop.admin(get("/v1/audit/head")).expect(200);
    shop.admin(get("/v1/audit/proof?entry=0")).expect(200);
    let app = Arc::clone(&shop.app);
    shop.ask_to_stop();
    shop.wait_stopped().unwrap();
    let filter = souk_app::AuditFilter::default();
    let admin = souk_app::Caller::local_admin();
    let reading = app.audit_entries(&admin, &filter, (None, 100));
    let found = shop.runtime.block_on(reading).unwrap();
    let count = |operation: &str, role: &str| -> u64 {
        let of = found.items.iter().map(|item| &item.entry);
        let of = of.filter(|entry| entry.operation == operation && entry.role == role);
        of.filter_map(|entry| entry.tally).map(|tally| tally.count).sum()
    };
    assert_eq!(count("access.denied", "storefront_browser"), 1);
    assert_eq!(count("access.denied", "planner"), 2);
    assert_eq!(count("audit.read", "admin"), 2);
}
