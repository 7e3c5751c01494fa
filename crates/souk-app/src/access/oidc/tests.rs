#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::config::{Config, PersonRole, SignatureAlgorithm};
use crate::test_shop::Shop;
use crate::{AuditAct, AuditFilter, AuditOperation, Operation};

const ISSUER: &str = "https://login.shop.example";
const NOW_S: i64 = 1_800_000_000;

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn settings() -> OidcSettings {
    let role = |name: &str| PersonRole::try_from(name.to_owned()).unwrap();
    let roles = [("shop-admins", "admin"), ("buyers", "planner"), ("dpo", "privacy")];
    OidcSettings {
        issuer: Some(ISSUER.to_owned()),
        audience: Some("souk".to_owned()),
        jwks: Some("https://login.shop.example/jwks".to_owned()),
        roles: roles.iter().map(|(group, name)| ((*group).to_owned(), role(name))).collect(),
        ..OidcSettings::default()
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "souk", "sub": "anna@shop.example", "exp": NOW_S + 600,
        "iat": NOW_S - 5, "roles": ["buyers", "karaoke"]})
}

/// An algorithm, and how an RSA key signs by it.
type Signing = (SignatureAlgorithm, &'static dyn RsaEncoding);

/// A key of the provider, or of somebody who would like to be it.
enum Signer {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    fn p256() -> Signer {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Signer::P256(EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap())
    }

    fn p384() -> Signer {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Signer::P384(EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap())
    }

    fn ed25519() -> Signer {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Signer::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    fn rsa() -> Signer {
        let bytes = include_bytes!("../../../../../testdata/sign-in/rsa-2048.pk8");
        Signer::Rsa(RsaKeyPair::from_pkcs8(bytes).unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        let halves = |key: &EcdsaKeyPair, curve: &str| {
            let point = &key.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "kid": kid, "x": base64(x), "y": base64(y)})
        };
        match self {
            Signer::P256(key) => halves(key, "P-256"),
            Signer::P384(key) => halves(key, "P-384"),
            Signer::Ed25519(key) => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid,
                "x": base64(key.public_key())}),
            Signer::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "kid": kid, "n": base64(public.n), "e": base64(public.e)})
            }
        }
    }

    fn sign(&self, text: &str, rsa: &'static dyn RsaEncoding) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::P256(key) | Signer::P384(key) => {
                key.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec()
            }
            Signer::Ed25519(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
            Signer::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(rsa, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64(header), base64(claims));
        let signature = self.sign(&signed, &RSA_PKCS1_SHA256);
        format!("{signed}.{}", base64(signature))
    }
}

fn set_of(keys: &[Value]) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// What becomes of a token at [`NOW_S`].
fn outcome(token: &str, keys: &KeySet, settings: &OidcSettings) -> Result<Person, &'static str> {
    let rules = Rules::of(settings).unwrap();
    let unchecked = Unchecked::read(token, &rules);
    unchecked.and_then(|token| token.check(keys, &rules, NOW_S)).map_err(|Refused(reason)| reason)
}

fn es256() -> Value {
    json!({"alg": "ES256", "kid": "k1", "typ": "JWT"})
}

#[test]
fn each_algorithm_is_good_with_its_key_and_with_no_other() {
    use SignatureAlgorithm::{ES256, ES384, EdDSA, PS256, RS256, RS512};
    let all = vec![RS256, RS512, PS256, ES256, ES384, EdDSA];
    let settings = OidcSettings { algorithms: all.clone(), ..settings() };
    let signers: [(Signer, &[Signing]); 4] = [
        (Signer::p256(), &[(ES256, &RSA_PKCS1_SHA256)]),
        (Signer::p384(), &[(ES384, &RSA_PKCS1_SHA256)]),
        (Signer::ed25519(), &[(EdDSA, &RSA_PKCS1_SHA256)]),
        (
            Signer::rsa(),
            &[(RS256, &RSA_PKCS1_SHA256), (RS512, &RSA_PKCS1_SHA512), (PS256, &RSA_PSS_SHA256)],
        ),
    ];
    for (signer, good) in &signers {
        for (signed_as, encoding) in *good {
            for named in &all {
                let header = json!({"alg": format!("{named:?}"), "kid": "k1"});
                let signed =
                    format!("{}.{}", base64(header.to_string()), base64(claims().to_string()));
                let token = format!("{signed}.{}", base64(signer.sign(&signed, *encoding)));
                let found = outcome(&token, &set_of(&[signer.jwk("k1")]), &settings);
                assert_eq!(
                    found.is_ok(),
                    named == signed_as,
                    "{signed_as:?} as {named:?}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn groups_give_roles_and_nothing_else_does() {
    let (signer, settings) = (Signer::p256(), settings());
    let keys = set_of(&[signer.jwk("k1")]);
    let roles = |claims: &Value, settings: &OidcSettings| {
        outcome(&signer.token(&es256(), claims), &keys, settings).unwrap().roles
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    assert_eq!(roles(&claims(), &settings), [Role::Planner]);
    assert_eq!(roles(&with("roles", json!("dpo")), &settings), [Role::Privacy]);
    let both = json!(["dpo", "buyers", "dpo", 7, null]);
    assert_eq!(roles(&with("roles", both), &settings), [Role::Planner, Role::Privacy]);
    // Names of roles are no groups, and neither is what stands elsewhere.
    for none in [json!(["admin"]), json!([]), json!({"shop-admins": true}), json!(null)] {
        assert_eq!(roles(&with("roles", none), &settings), []);
    }
    assert_eq!(roles(&with("groups", json!(["shop-admins"])), &settings), [Role::Planner]);
    let way = vec!["realm_access".to_owned(), "roles".to_owned()];
    let nested = OidcSettings { role_claim: way, ..settings };
    let claim = json!({"roles": ["shop-admins"]});
    assert_eq!(roles(&with("realm_access", claim), &nested), [Role::Admin]);
    assert_eq!(roles(&claims(), &nested), []);
}

#[test]
fn a_forged_header_opens_nothing() {
    let (signer, stranger, settings) = (Signer::p256(), Signer::p256(), settings());
    let rsa = Signer::rsa();
    let public = rsa.jwk("r1");
    let keys = set_of(&[signer.jwk("k1"), public.clone()]);
    let refused = |token: &str| outcome(token, &keys, &settings).unwrap_err();
    let payload = base64(claims().to_string());

    // Unsigned, in every spelling.
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = base64(json!({"alg": name, "kid": "k1"}).to_string());
        assert_eq!(refused(&format!("{header}.{payload}.")), "algorithm");
    }
    // The public key taken for a shared secret, in the forms in which libraries were caught.
    let n = URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap();
    for secret in [public.to_string().into_bytes(), n, public["n"].to_string().into_bytes()] {
        for name in ["HS256", "HS384", "HS512"] {
            let header = base64(json!({"alg": name, "kid": "r1"}).to_string());
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
            mac.update(format!("{header}.{payload}").as_bytes());
            let signature = base64(mac.finalize().into_bytes());
            assert_eq!(refused(&format!("{header}.{payload}.{signature}")), "algorithm");
        }
    }
    // A key that the token brings along, or a place to fetch one from.
    for extra in [
        json!({"jwk": stranger.jwk("k1")}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        let mut header = es256();
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(refused(&stranger.token(&header, &claims())), "signature");
        // They are not even read: the provider's own signature is good beside them.
        assert!(outcome(&signer.token(&header, &claims()), &keys, &settings).is_ok());
    }
    let header = |name: &str, value: Value| {
        let mut header = es256();
        header[name] = value;
        signer.token(&header, &claims())
    };
    assert_eq!(refused(&header("kid", json!("k2"))), "unknown_key");
    assert_eq!(refused(&header("kid", json!("r1"))), "unknown_key");
    assert_eq!(refused(&header("kid", json!(null))), "malformed");
    assert_eq!(refused(&header("kid", json!("../../dev/null"))), "unknown_key");
    assert_eq!(refused(&header("crit", json!(["b64"]))), "critical");
    assert_eq!(refused(&header("typ", json!("logout+jwt"))), "type");
    assert_eq!(refused(&header("typ", json!("dpop+jwt"))), "type");
    assert!(outcome(&header("typ", json!("application/at+JWT")), &keys, &settings).is_ok());
    // An algorithm that is known and not listed.
    assert_eq!(refused(&rsa.token(&json!({"alg": "RS512", "kid": "r1"}), &claims())), "algorithm");
}

#[test]
fn a_changed_token_is_refused_at_every_letter() {
    let (signer, settings) = (Signer::ed25519(), settings());
    let keys = set_of(&[signer.jwk("k1")]);
    let token = signer.token(&json!({"alg": "EdDSA", "kid": "k1"}), &claims());
    assert!(outcome(&token, &keys, &settings).is_ok());
    for idx in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[idx] = if bytes[idx] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(outcome(&changed, &keys, &settings).is_err(), "letter {idx}");
        assert!(outcome(&token[..idx], &keys, &settings).is_err(), "cut at {idx}");
    }
    for odd in ["", ".", "..", "...", "a.b.c", &format!("{token}.x"), &format!("{token}=")] {
        assert!(outcome(odd, &keys, &settings).is_err(), "{odd}");
    }
}

#[test]
fn each_claim_is_checked() {
    let (signer, settings) = (Signer::p256(), settings());
    let keys = set_of(&[signer.jwk("k1")]);
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        outcome(&signer.token(&es256(), &claims), &keys, &settings).map(|person| person.sub)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        outcome(&signer.token(&es256(), &claims), &keys, &settings).map(|person| person.sub)
    };
    let good = Ok("anna@shop.example".to_owned());
    assert_eq!(with("name", json!("Anna")), good);
    assert_eq!(with("iss", json!("https://login.shop.example/")), Err("issuer"));
    assert_eq!(with("iss", json!([ISSUER])), Err("malformed"));
    assert_eq!(without("iss"), Err("issuer"));
    assert_eq!(with("aud", json!("other")), Err("audience"));
    assert_eq!(with("aud", json!(["other"])), Err("audience"));
    assert_eq!(with("aud", json!(["souk"])), good);
    assert_eq!(with("aud", json!(["souk", "other"])), Err("authorized_party"));
    assert_eq!(without("aud"), Err("audience"));
    assert_eq!(with("azp", json!("souk")), good);
    assert_eq!(with("azp", json!("other")), Err("authorized_party"));
    assert_eq!(with("azp", json!(7)), Err("malformed"));
    assert_eq!(with("sub", json!("")), Err("subject"));
    assert_eq!(with("sub", json!("x".repeat(256))), Err("subject"));
    assert_eq!(with("sub", json!(7)), Err("malformed"));
    assert_eq!(without("sub"), Err("subject"));

    assert_eq!(with("exp", json!(NOW_S - 59)), good);
    assert_eq!(with("exp", json!(NOW_S - 60)), Err("expired"));
    assert_eq!(with("exp", json!(NOW_S + 86_460)), good);
    assert_eq!(with("exp", json!(NOW_S + 86_461)), Err("too_long_valid"));
    assert_eq!(with("exp", json!(1e300)), Err("too_long_valid"));
    assert_eq!(without("exp"), Err("no_expiry"));
    // As text they must not count as absent.
    assert_eq!(with("exp", json!((NOW_S + 600).to_string())), Err("malformed"));
    assert_eq!(with("nbf", json!((NOW_S + 600).to_string())), Err("malformed"));
    assert_eq!(with("nbf", json!(NOW_S + 60)), good);
    assert_eq!(with("nbf", json!(NOW_S + 61)), Err("not_yet_valid"));
    assert_eq!(with("iat", json!(NOW_S + 61)), Err("not_yet_valid"));

    let listed = OidcSettings { authorized_parties: vec!["back-office".to_owned()], ..settings };
    let mut claims = claims();
    (claims["aud"], claims["azp"]) = (json!(["x", "souk"]), json!("back-office"));
    assert!(outcome(&signer.token(&es256(), &claims), &keys, &listed).is_ok());
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let (signer, settings) = (Signer::p256(), settings());
    let keys = set_of(&[signer.jwk("k1")]);
    let twice = |header: &str, claims: &str| {
        outcome(&signer.token_of(header, claims), &keys, &settings).unwrap_err()
    };
    let (header, good) = (es256().to_string(), claims().to_string());
    let more = |extra: &str| format!("{},{extra}}}", good.strip_suffix('}').unwrap());
    assert!(outcome(&signer.token_of(&header, &more(r#""a":1"#)), &keys, &settings).is_ok());
    for extra in [
        r#""sub":"boss""#,
        r#""roles":["shop-admins"]"#,
        r#""\u0073ub":"boss""#,
        r#""x":{"y":1,"y":2}"#,
        r#""x":[{"y":1,"y":2}]"#,
    ] {
        assert_eq!(twice(&header, &more(extra)), "malformed", "{extra}");
    }
    assert_eq!(twice(r#"{"alg":"ES256","kid":"k1","alg":"none"}"#, &good), "malformed");
    // Deep nesting ends in an answer, not in the end of the stack.
    let deep = format!(r#""x":{}1{}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(twice(&header, &more(&deep)), "malformed");
    assert_eq!(twice(&header, &format!("{good} {{}}")), "malformed");
}

#[test]
fn a_huge_token_is_refused_before_it_is_read() {
    let (signer, settings) = (Signer::p256(), settings());
    let keys = set_of(&[signer.jwk("k1")]);
    let mut claims = claims();
    claims["x"] = json!("x".repeat(10_000));
    assert!(outcome(&signer.token(&es256(), &claims), &keys, &settings).is_ok());
    claims["x"] = json!("x".repeat(13_000));
    let token = signer.token(&es256(), &claims);
    assert_eq!(outcome(&token, &keys, &settings), Err("too_long"));
    assert_eq!(outcome(&"A".repeat(10 << 20), &keys, &settings), Err("too_long"));
}

#[test]
fn keys_that_are_not_for_signatures_are_passed_over() {
    let signer = Signer::p256();
    let with = |name: &str, value: Value| {
        let mut key = signer.jwk("k1");
        key[name] = value;
        KeySet::read(json!({ "keys": [key] }).to_string().as_bytes())
    };
    assert!(with("use", json!("sig")).is_ok());
    assert!(with("use", json!("enc")).is_err());
    assert!(with("key_ops", json!(["verify"])).is_ok());
    assert!(with("key_ops", json!(["encrypt"])).is_err());
    assert!(with("alg", json!("ES256")).is_ok());
    assert!(with("alg", json!("ECDH-ES")).is_err());
    assert!(with("alg", json!("none")).is_err());
    assert!(with("crv", json!("secp256k1")).is_err());
    assert!(with("x", json!("AA")).is_err());
    let read = |text: &str| KeySet::read(text.as_bytes()).map(|_| ());
    assert!(read(r#"{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0"}]}"#).is_err());
    assert!(read("{}").is_err());
    assert!(read("<html>").is_err());
    let weak = json!({"kty": "RSA", "kid": "k1", "n": base64([0xff; 128]), "e": "AQAB"});
    assert!(read(&json!({ "keys": [weak] }).to_string()).is_err());
    let many: Vec<Value> = (0..101).map(|n| signer.jwk(&n.to_string())).collect();
    assert!(read(&json!({ "keys": many }).to_string()).is_err());
    assert!(read(&" ".repeat(KEY_SET_BYTES_MAX + 1)).is_err());
    // The key says for which algorithm it is; the token may not say otherwise.
    let mut rsa = Signer::rsa().jwk("r1");
    rsa["alg"] = json!("RS512");
    let token = Signer::rsa().token(&json!({"alg": "RS256", "kid": "r1"}), &claims());
    assert_eq!(outcome(&token, &set_of(&[rsa]), &settings()), Err("unknown_key"));
}

#[test]
fn without_a_key_id_only_one_key_may_fit() {
    let (one, two, settings) = (Signer::p256(), Signer::p256(), settings());
    let token = one.token(&json!({"alg": "ES256"}), &claims());
    let keys = set_of(&[one.jwk("k1"), Signer::rsa().jwk("r1")]);
    assert!(outcome(&token, &keys, &settings).is_ok());
    let keys = set_of(&[one.jwk("k1"), two.jwk("k2")]);
    assert_eq!(outcome(&token, &keys, &settings), Err("no_key_id"));
}

/// A provider whose keys the test changes.
#[derive(Debug, Default)]
struct Provider {
    keys: Mutex<Vec<Value>>,
    asked: AtomicUsize,
}

#[async_trait]
impl KeySetSource for Provider {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Relaxed);
        Ok(json!({ "keys": *self.keys.lock() }).to_string().into_bytes())
    }
}

fn sign_in_with(provider: &Arc<Provider>, pause: Duration) -> SignIn {
    let mut sign_in = SignIn::of(&settings()).unwrap();
    sign_in.pause = pause;
    sign_in.source.set(Arc::clone(provider) as _).unwrap();
    sign_in
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_is_forgotten() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let provider = Arc::new(Provider::default());
    *provider.keys.lock() = vec![old.jwk("old")];
    let mut sign_in = sign_in_with(&provider, Duration::ZERO);
    let token =
        |signer: &Signer, kid: &str| signer.token(&json!({"alg": "ES256", "kid": kid}), &claims());
    let (of_old, of_new) = (token(&old, "old"), token(&new, "new"));
    assert!(sign_in.person(&of_old, NOW_S).await.is_ok());
    assert!(sign_in.person(&of_old, NOW_S).await.is_ok());
    assert_eq!(provider.asked.load(Relaxed), 1, "the keys are kept");
    *provider.keys.lock() = vec![new.jwk("new")];
    assert!(sign_in.person(&of_new, NOW_S).await.is_ok());
    assert_eq!(sign_in.person(&of_old, NOW_S).await, Err(Refused("unknown_key")));
    // A key that comes back under the same name with other material is another key.
    *provider.keys.lock() = vec![old.jwk("new")];
    sign_in.refresh = Duration::ZERO;
    assert_eq!(sign_in.person(&of_new, NOW_S).await, Err(Refused("signature")));
}

#[tokio::test]
async fn made_up_key_ids_do_not_reach_the_provider() {
    let signer = Signer::p256();
    let provider = Arc::new(Provider::default());
    *provider.keys.lock() = vec![signer.jwk("k1")];
    let sign_in = sign_in_with(&provider, Duration::from_secs(3_600));
    for n in 0..1_000 {
        let header = json!({"alg": "ES256", "kid": format!("made-up-{n}")});
        let found = sign_in.person(&signer.token(&header, &claims()), NOW_S).await;
        assert_eq!(found, Err(Refused("unknown_key")));
    }
    assert_eq!(provider.asked.load(Relaxed), 1);
    assert!(sign_in.person(&signer.token(&es256(), &claims()), NOW_S).await.is_ok());
}

#[tokio::test]
async fn an_outage_keeps_the_keys_and_no_keys_means_no() {
    let signer = Signer::p256();
    let provider = Arc::new(Provider::default());
    let mut sign_in = sign_in_with(&provider, Duration::ZERO);
    let token = signer.token(&es256(), &claims());
    assert_eq!(sign_in.person(&token, NOW_S).await, Err(Refused("no_keys")));
    *provider.keys.lock() = vec![signer.jwk("k1")];
    assert!(sign_in.person(&token, NOW_S).await.is_ok());
    // From now on the provider answers with a set that cannot serve.
    provider.keys.lock().clear();
    sign_in.refresh = Duration::ZERO;
    assert!(sign_in.person(&token, NOW_S).await.is_ok());
    sign_in.keep = Duration::ZERO;
    assert_eq!(sign_in.person(&token, NOW_S).await, Err(Refused("no_keys")));
}

#[tokio::test]
async fn a_person_acts_under_a_pseudonym_with_the_roles_of_their_groups() {
    let signer = Signer::p256();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({"keys": [signer.jwk("k1")]}).to_string()).unwrap();
    let mut config = Config::default();
    let jwks = Some(format!("file:{}", file.path().display()));
    config.access.oidc = OidcSettings { jwks, ..settings() };
    let shop = Shop::open_with(config).await;
    let app = &shop.app;
    let sign_in = async |groups: Value| {
        let now_s = access_now().as_ms() / 1_000;
        let claims = json!({"iss": ISSUER, "aud": "souk", "sub": "anna@shop.example",
            "exp": now_s + 60, "roles": groups});
        app.sign_in(&signer.token(&es256(), &claims)).await
    };
    let both = sign_in(json!(["dpo", "buyers"])).await.unwrap();
    assert_eq!((both.role, both.more_roles.as_slice()), (Role::Planner, &[Role::Privacy][..]));
    assert!(both.may(Operation::ReadAudit) && both.may(Operation::SendStock));
    assert!(!both.may(Operation::WriteKeys) && !both.may(Operation::SendOrders));
    let denied = sign_in(json!(["karaoke"])).await.unwrap_err();
    assert_eq!(denied.code(), "denied");
    assert_eq!(app.sign_in("a.b.c").await.unwrap_err().code(), "unauthenticated");

    app.audit(&both, AuditAct::new(AuditOperation::AuditRead)).await.unwrap();
    assert_eq!(both.key_id, app.audit_person("anna@shop.example").unwrap());
    assert_ne!(both.key_id, app.audit_person("anna").unwrap());
    assert!(both.key_id.starts_with("person:") && !both.key_id.contains("anna"));
    let filter = AuditFilter { key_id: Some(both.key_id.clone()), ..AuditFilter::default() };
    let found = app.audit_entries(&Caller::local_admin(), &filter, (None, 10)).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.items[0].entry.role, "planner");
}

#[tokio::test]
async fn nobody_signs_in_where_no_provider_is_set() {
    let shop = Shop::open().await;
    let token = Signer::p256().token(&es256(), &claims());
    assert_eq!(shop.app.sign_in(&token).await.unwrap_err().code(), "unauthenticated");
    assert!(!shop.app.has_sign_in());
}
