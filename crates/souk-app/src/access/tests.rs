#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::expect;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use souk_core::{LocationId, Product, ProductId, ProductPatch, SiteId};

use super::*;
use crate::test_shop::{Shop, caller};

/// Every operation of every role, written by hand. The columns are those of `Role::ALL`:
/// ingest_browser, ingest_server, storefront_browser, storefront_server, analyst, merchandiser,
/// planner, privacy, admin.
const TABLE: &[(Operation, &str)] = &[
    //                               bsBSampra
    (Operation::SendBehaviour, "xx......x"),
    (Operation::SendOrders, ".x......x"),
    (Operation::SendStock, ".x....x.x"),
    (Operation::SendPrices, ".x...x..x"),
    (Operation::MergeIdentities, ".x......x"),
    (Operation::Recommend, "..xx.x..x"),
    (Operation::Search, "..xx.x..x"),
    (Operation::RecommendAnyShopper, "...x....x"),
    (Operation::ReadCatalogue, "..xxxxx.x"),
    (Operation::WriteCatalogue, ".....x..x"),
    (Operation::ReadAggregates, "....xxx.x"),
    (Operation::ReadMetrics, "....x...x"),
    (Operation::WriteKeys, "........x"),
    (Operation::RunImports, "........x"),
    (Operation::ExportFacts, "........x"),
    (Operation::HandleSubjectRequests, ".......xx"),
    (Operation::Consents, ".xxx...xx"),
    (Operation::ConsentsOfAnyShopper, ".x.x...xx"),
    (Operation::ReadAudit, ".......xx"),
    (Operation::ManageModels, ".....x..x"),
    (Operation::ReadRules, "....xx..x"),
    (Operation::WriteRules, ".....x..x"),
    (Operation::ReadProfiles, "..xx...xx"),
    (Operation::ProfileOfAnyShopper, "...x...xx"),
    (Operation::ReadSegments, "....xx..x"),
    (Operation::WriteSegments, ".....x..x"),
    (Operation::ReadSegmentMembers, "........x"),
    (Operation::ReadReports, "....xx..x"),
    (Operation::ReadPlanning, "......x.x"),
    (Operation::WritePlanning, "......x.x"),
];

#[test]
fn every_role_and_operation() {
    assert_eq!(TABLE.len(), Operation::ALL.len());
    for (operation, cells) in TABLE {
        assert_eq!(cells.len(), Role::ALL.len());
        for (role, cell) in Role::ALL.into_iter().zip(cells.bytes()) {
            let outcome = caller(role).check(*operation);
            assert_eq!(outcome.is_ok(), cell == b'x', "{} {operation:?}", role.as_str());
            if let Err(error) = outcome {
                assert_eq!(error.code(), "denied");
            }
        }
    }
}

#[test]
fn names_of_roles_are_read_back() {
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
    assert_eq!(Role::parse("root"), None);
}

#[test]
fn form_of_a_key() {
    // The check value of CRC-32 in Koopman's and Greg Cook's catalogues.
    assert_eq!(keys::crc32(b"123456789"), 0xCBF4_3926);
    assert_eq!(keys::base62::<6>(&u32::MAX.to_be_bytes()), "4gfFC3");
    let text = keys::key_text(Role::IngestServer, [7; 20]);
    expect!["souk_is_"].assert_eq(&text[..8]);
    assert_eq!(text.len(), "souk_is_".len() + 27 + 6);
    assert!(keys::is_well_formed(&text));
    assert!(keys::is_well_formed(&keys::key_text(Role::Admin, [0xFF; 20])));
    // Any single change is noticed.
    for idx in 0..text.len() {
        for letter in ['0', 'Z', '_', 'é'] {
            let mut changed: String = text[..idx].to_owned();
            changed.push(letter);
            changed.push_str(&text[idx + 1..]);
            assert_eq!(keys::is_well_formed(&changed), changed == text, "{changed}");
        }
    }
    for odd in ["", "souk_", "souk_is", "souk_is_", "Bearer x", &"x".repeat(10_000)] {
        assert!(!keys::is_well_formed(odd));
    }
}

#[tokio::test]
async fn a_key_lives_from_creation_to_revocation() {
    let shop = Shop::open().await;
    let app = &shop.app;
    assert!(!app.has_keys());
    let first = app.ensure_first_key().await.unwrap().unwrap();
    assert!(app.has_keys());
    assert_eq!(app.ensure_first_key().await.unwrap(), None);
    let admin = app.authenticate(&first, None).unwrap();
    assert_eq!((admin.role, admin.shopper), (Role::Admin, None));

    let new = |role, expires: Option<&str>| NewKey {
        role,
        label: "till 4".to_owned(),
        origins: Vec::new(),
        expires_at: expires.map(|time| Timestamp::parse(time).unwrap()),
        places: Places::default(),
    };
    let server =
        app.create_key(new(Role::IngestServer, None), &Caller::local_admin()).await.unwrap();
    let over = app
        .create_key(new(Role::Planner, Some("2020-01-01T00:00:00Z")), &Caller::local_admin())
        .await
        .unwrap();
    let later = app
        .create_key(new(Role::Planner, Some("9000-01-01T00:00:00Z")), &Caller::local_admin())
        .await
        .unwrap();
    assert_eq!(app.authenticate(&server, None).unwrap().role, Role::IngestServer);
    assert_eq!(app.authenticate(&later, None).unwrap().role, Role::Planner);
    assert!(matches!(app.authenticate(&over, None), Err(AppError::Unauthenticated)));
    let unknown = keys::key_text(Role::Admin, [9; 20]);
    assert!(matches!(app.authenticate(&unknown, None), Err(AppError::Unauthenticated)));

    let listed = app.known_keys().await.unwrap();
    assert_eq!(listed.len(), 4);
    let info = listed.iter().find(|info| info.role == Role::IngestServer).unwrap();
    assert_eq!(info.label, "till 4");
    app.revoke_key(&info.key_id, &Caller::local_admin()).await.unwrap();
    assert!(matches!(app.authenticate(&server, None), Err(AppError::Unauthenticated)));
    let again = app.revoke_key(&info.key_id, &Caller::local_admin()).await.unwrap_err();
    assert_eq!(again.code(), "not_found");

    // The key itself is nowhere in what is stored, and another process sees the same keys.
    let range = TableRange { partition_key: KEYS_PARTITION, prefix: "", after: None, limit: 10 };
    let rows = app.parts.tables.range(range, access_now()).await.unwrap();
    assert_eq!(rows.len(), 3);
    let secret = &first["souk_ad_".len()..];
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(&row.value).contains(secret)));
    let other =
        Access::open(&*app.parts.tables, &*app.parts.keys, &app.config.access).await.unwrap();
    assert_eq!(other.keys.list(), app.known_keys().await.unwrap());
}

#[tokio::test]
async fn a_rotated_key_works_beside_its_successor_and_then_ends() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, Caller::local_admin());
    let new = NewKey {
        role: Role::StorefrontBrowser,
        label: "web".to_owned(),
        origins: vec!["https://shop.example".to_owned()],
        expires_at: Some(access_now().plus_ms(30 * 86_400_000)),
        places: Places::default(),
    };
    let old = app.create_key(new, &admin).await.unwrap();
    let id = app.authenticate(&old, None).unwrap().key_id;
    assert!(app.rotate_key((&id, 60), &caller(Role::Privacy)).await.is_err());
    let rotated = app.rotate_key((&id, 60), &admin).await.unwrap();
    assert_eq!(app.authenticate(&old, None).unwrap().key_id, id, "the overlap");
    assert_eq!(app.authenticate(&rotated.key, None).unwrap().key_id, rotated.info.key_id);
    assert_eq!(rotated.info.origins, ["https://shop.example"]);
    let lifetime = rotated.info.expires_at.unwrap().ms_since(rotated.info.created_at);
    assert!((lifetime - 30 * 86_400_000).abs() < 60_000, "{lifetime}");
    let stored =
        Access::open(&*app.parts.tables, &*app.parts.keys, &app.config.access).await.unwrap();
    assert_eq!(stored.keys.list(), app.known_keys().await.unwrap());
    let listed = app.known_keys().await.unwrap();
    let replaced = listed.iter().find(|info| info.key_id == id).unwrap();
    assert_eq!(replaced.replaced_by.as_ref(), Some(&rotated.info.key_id));
    assert_eq!(replaced.expires_at, Some(rotated.old_ends_at));
    let again = app.rotate_key((&id, 60), &admin).await.unwrap_err();
    assert!(again.to_string().contains(&rotated.info.key_id), "{again}");
    // Without an overlap it ends at once.
    let next = app.rotate_key((&rotated.info.key_id, 0), &admin).await.unwrap();
    assert!(matches!(app.authenticate(&rotated.key, None), Err(AppError::Unauthenticated)));
    assert!(app.authenticate(&next.key, None).is_ok());
    assert_eq!(app.rotate_key(("none", 0), &admin).await.unwrap_err().code(), "not_found");
    let long = app.rotate_key((&next.info.key_id, OVERLAP_S_MAX + 1), &admin).await.unwrap_err();
    assert_eq!(long.code(), "invalid_overlap");
}

#[tokio::test]
async fn a_bound_key_acts_for_its_places_alone() {
    let config = "sites: [{id: main}, {id: fr}]\naccess: {require_keys: true}";
    let shop = Shop::open_with(crate::Config::parse(config, Vec::new()).unwrap()).await;
    let (app, admin) = (&shop.app, Caller::local_admin());
    let site = |id: &str| SiteId::new(id).unwrap();
    let place = |id: &str| LocationId::new(id).unwrap();
    let bound = async |role, locations: &[&str]| {
        let locations = locations.iter().map(|id| place(id)).collect();
        let places = Places { sites: vec![site("fr")], locations };
        let key = app.create_key(NewKey { places, ..NewKey::of(role) }, &admin).await.unwrap();
        app.authenticate(&key, None).unwrap()
    };
    let merchandiser = bound(Role::Merchandiser, &[]).await;
    let product = |at: &str| Product::new(ProductId::new("p").unwrap(), site(at), "T".to_owned());
    let put = app.put_products(vec![product("fr"), product("main")], &merchandiser).await.unwrap();
    assert_eq!((put.accepted, put.rejected.len(), put.rejected[0].index), (1, 1, 1));
    app.put_products(vec![product("main")], &admin).await.unwrap();
    let id = ProductId::new("p").unwrap();
    let denied = app.delete_product(&site("main"), &id, &merchandiser).await.unwrap_err();
    expect![
        "role `merchandiser` may not act for this site with this key, which is bound to others"
    ]
    .assert_eq(&denied.to_string());
    app.delete_product(&site("fr"), &id, &merchandiser).await.unwrap();
    let patch = (ProductPatch::default(), &merchandiser);
    assert_eq!(app.patch_product(&site("main"), &id, patch).await.unwrap_err().code(), "denied");

    let storefront = bound(Role::StorefrontServer, &["lyon"]).await;
    let mut request = crate::RecommendRequest::new(crate::Strategy::Popular, 5);
    assert_eq!(app.recommend(&request, &storefront).await.unwrap_err().code(), "denied");
    request.context.site = Some(site("fr"));
    assert!(app.recommend(&request, &storefront).await.is_ok());
    request.context.location_id = Some(place("paris"));
    assert_eq!(app.recommend(&request, &storefront).await.unwrap_err().code(), "denied");
    request.context.location_id = Some(place("lyon"));
    assert!(app.recommend(&request, &storefront).await.is_ok());

    let till = bound(Role::IngestServer, &["lyon"]).await;
    let count = |at: &str, location: &str| {
        json!({"type": "track", "event": "Stock Counted", "context": {"site": at},
            "properties": {"product_id": "p", "location_id": location, "quantity": 1}})
    };
    let order = |location: Option<&str>| {
        json!({"type": "track", "event": "Order Completed", "context": {"site": "fr"}, "userId": "u",
            "properties": {"order_id": "o", "location_id": location,
                "products": [{"product_id": "p", "price": 1}]}})
    };
    let batch = json!({"batch": [count("fr", "lyon"), count("fr", "paris"), count("main", "lyon"),
        order(Some("lyon")), order(Some("paris")), order(None)]})
    .to_string();
    let sent = crate::IngestRequest::new(crate::IngestCall::Batch, batch.as_bytes(), &till);
    let answer = app.ingest(sent).await.unwrap();
    let refused: Vec<usize> = answer.rejected.iter().map(|one| one.index).collect();
    assert_eq!((answer.accepted, refused), (2, vec![1, 2, 4, 5]));

    let odd = Places { sites: vec![site("de")], locations: Vec::new() };
    let error = app.create_key(NewKey { places: odd, ..NewKey::of(Role::Analyst) }, &admin).await;
    assert_eq!(error.unwrap_err().code(), "invalid_key");
    // They are stored with the key, and a successor has them too.
    let stored =
        Access::open(&*app.parts.tables, &*app.parts.keys, &app.config.access).await.unwrap();
    assert_eq!(stored.keys.list(), app.known_keys().await.unwrap());
    let rotated = app.rotate_key((&till.key_id, 0), &admin).await.unwrap();
    assert_eq!(rotated.info.places, till.places);
}

/// A row as it was written before keys could be rotated.
#[test]
fn rows_of_older_programs_are_read() {
    let row = format!(
        r#"{{"hash":"{}","role":"analyst","label":"x","origins":[],"created_at_ms":5,"expires_at_ms":null}}"#,
        "0a".repeat(32)
    );
    let (hash, info) = keys::decode("0a0a0a0a0a0a", row.as_bytes()).unwrap();
    assert_eq!((hash, info.replaced_by), ([10; 32], None));
}

#[tokio::test]
async fn origins_bind_browser_keys() {
    let shop = Shop::open().await;
    let key = |role, origins: &[&str]| NewKey {
        role,
        label: String::new(),
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        expires_at: None,
        places: Places::default(),
    };
    let bound = key(Role::IngestBrowser, &["https://shop.example"]);
    let bound = shop.app.create_key(bound, &Caller::local_admin()).await.unwrap();
    assert!(shop.app.is_origin_known("https://shop.example"));
    assert!(!shop.app.is_origin_known("https://evil.example"));
    assert!(shop.app.authenticate(&bound, Some("https://shop.example")).is_ok());
    assert!(shop.app.authenticate(&bound, None).is_ok());
    let refused = shop.app.authenticate(&bound, Some("https://evil.example")).unwrap_err();
    expect!["role `ingest_browser` may not be used from this web origin; add it to the key or to `server.allowed_origins`"].assert_eq(&refused.to_string());
    let open = shop
        .app
        .create_key(key(Role::StorefrontBrowser, &[]), &Caller::local_admin())
        .await
        .unwrap();
    assert!(shop.app.authenticate(&open, Some("https://any.example")).is_ok());

    let refuse = async |role, origin: &str| {
        shop.app
            .create_key(key(role, &[origin]), &Caller::local_admin())
            .await
            .unwrap_err()
            .to_string()
    };
    expect!["role `admin` is used by servers, which have no origin; leave it out"]
        .assert_eq(&refuse(Role::Admin, "https://a.example").await);
    expect!["origin `shop.example` is not scheme and host; write for example https://shop.example"]
        .assert_eq(&refuse(Role::IngestBrowser, "shop.example").await);
    expect!["origin `https://*` is not scheme and host; write for example https://shop.example"]
        .assert_eq(&refuse(Role::IngestBrowser, "https://*").await);
}

#[tokio::test]
async fn without_keys_settings_decide() {
    let role = async |text: &str| {
        let shop = Shop::open_with(crate::Config::parse(text, Vec::new()).unwrap()).await;
        shop.app.caller_without_key().map(|caller| caller.role).ok()
    };
    assert_eq!(role("").await, None);
    assert_eq!(role("access: {public_reads: true}").await, Some(Role::StorefrontBrowser));
    assert_eq!(role("access: {require_keys: false}").await, Some(Role::Admin));
}

/// A token as the shop's backend would make it with any JWT library.
fn foreign_token(header: serde_json::Value, claims: serde_json::Value, secret: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[test]
fn shopper_tokens() {
    let signer = TokenSigner::new([5; 32]);
    let secret = signer.secret().to_owned();
    let verify = |token: &str| signer.verify(token, 1_000, 3_600);
    assert_eq!(verify(&signer.sign("ünï u1", 1_500)), Some("ünï u1".to_owned()));
    let hs256 = || json!({"alg": "HS256", "typ": "JWT"});
    let foreign = |claims| foreign_token(hs256(), claims, &secret);
    assert_eq!(verify(&foreign(json!({"sub": "u", "exp": 1_001, "iat": 1}))), Some("u".into()));

    // Over, too long, not yet, nobody, no end.
    assert_eq!(verify(&foreign(json!({"sub": "u", "exp": 969}))), None);
    assert_eq!(verify(&foreign(json!({"sub": "u", "exp": 4_631}))), None);
    assert_eq!(verify(&foreign(json!({"sub": "u", "exp": 1_500, "nbf": 1_031}))), None);
    assert_eq!(verify(&foreign(json!({"sub": "", "exp": 1_500}))), None);
    assert_eq!(verify(&foreign(json!({"sub": "u"}))), None);
    // Signed otherwise, or not at all.
    let claims = || json!({"sub": "u", "exp": 1_500});
    assert_eq!(verify(&foreign_token(hs256(), claims(), "guess")), None);
    assert_eq!(verify(&foreign_token(json!({"alg": "none"}), claims(), &secret)), None);
    assert_eq!(verify(&foreign_token(json!({"alg": "HS512"}), claims(), &secret)), None);
    assert_eq!(
        verify(&foreign_token(json!({"alg": "HS256", "crit": []}), claims(), &secret)),
        None
    );
    let token = foreign(claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    for odd in [signed, &format!("{signed}."), "", ".", "..", "a.b.c", &"x".repeat(5_000)] {
        assert_eq!(verify(odd), None);
    }
    // Another installation's secret is another one.
    assert_ne!(TokenSigner::new([6; 32]).secret(), secret);
}

#[tokio::test]
async fn tokens_of_the_app() {
    let shop = Shop::open().await;
    let token = shop.app.make_shopper_token("u1", 60);
    assert_eq!(shop.app.shopper_of_token(&token).unwrap(), "u1");
    let long = shop.app.make_shopper_token("u1", 90_000);
    assert!(matches!(shop.app.shopper_of_token(&long), Err(AppError::Unauthenticated)));
    assert!(shop.app.shopper_secret(&caller(Role::StorefrontServer)).await.is_err());
    let secret = shop.app.shopper_secret(&Caller::local_admin()).await.unwrap();
    assert_eq!(secret.len(), 64);
    assert!(!format!("{:?}", shop.app.door.access).contains(&secret));
}
