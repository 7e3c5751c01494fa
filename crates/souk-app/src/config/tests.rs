#![allow(clippy::unwrap_used)]

use expect_test::{Expect, expect};
use serde_yaml_ng::Value;

use super::*;

const FILE: &str = include_str!("../../../../souk.yaml");

fn none() -> Vec<(String, String)> {
    Vec::new()
}

fn env(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

fn paths(value: &Value, prefix: &str, out: &mut Vec<String>) {
    match value {
        Value::Mapping(settings) => {
            for (key, value) in settings {
                paths(value, &format!("{prefix}.{}", key.as_str().unwrap()), out);
            }
        }
        Value::Sequence(items) => {
            items.iter().for_each(|item| paths(item, &format!("{prefix}[]"), out));
            out.push(prefix.to_owned());
        }
        _ => out.push(prefix.to_owned()),
    }
}

#[test]
fn file_names_every_setting_and_no_other() {
    let mut in_file = Vec::new();
    paths(&serde_yaml_ng::from_str(FILE).unwrap(), "", &mut in_file);
    let mut in_types = Vec::new();
    paths(&serde_yaml_ng::to_value(Config::default()).unwrap(), "", &mut in_types);
    in_file.sort();
    in_types.sort();
    assert_eq!(in_file, in_types);
    assert!(in_file.len() > 50);
}

#[test]
fn file_shows_the_defaults() {
    assert_eq!(Config::parse(FILE, none()).unwrap(), Config::default());
    assert_eq!(Config::parse("", none()).unwrap(), Config::default());
    assert_eq!(Config::parse(&Config::default().print(), none()).unwrap(), Config::default());
}

#[test]
fn example_of_a_location_in_the_file_is_valid() {
    let example: String = FILE
        .lines()
        .skip_while(|line| !line.starts_with("#   - id:"))
        .take_while(|line| line.starts_with("#   "))
        .map(|line| format!("{}\n", &line[1..]))
        .collect();
    let config = Config::parse(&format!("locations:\n{example}"), none()).unwrap();
    let location = config.location(&LocationId::new("store-367").unwrap()).unwrap();
    assert_eq!(location.day_cut_minutes, 120);
    let closed = config.closed(&location.id);
    let is_on =
        |text: &str| closed.iter().any(|one| one.is_on(souk_core::Day::parse(text).unwrap()));
    assert!(is_on("2026-12-25") && is_on("2027-12-25") && is_on("2026-04-03"));
    assert!(!is_on("2027-04-03") && !is_on("2026-12-24"));
    assert_eq!(Config::parse(&config.print(), none()).unwrap(), config);
    assert_eq!(location.time_zone.iana_name(), Some("America/New_York"));
    assert_eq!(location.point.unwrap().latitude(), 40.7506);
}

fn check(text: &str, variables: Vec<(String, String)>, expected: Expect) {
    let error = Config::parse(text, variables).unwrap_err();
    assert_eq!(error.code(), "invalid_setting");
    expected.assert_eq(&error.to_string());
}

#[test]
fn faults_name_setting_value_remedy_and_line() {
    check(
        "server:\n  lisen: x\n",
        none(),
        expect![
            "line 2: server: unknown field `lisen`, expected one of `listen`, `tls_cert`, `tls_key`, `allowed_origins`, `body_bytes_max`, `bodies_bytes_max`, `connections_max`, `connections_per_address_max`, `header_timeout_ms`, `body_timeout_ms`, `request_timeout_ms`, `shutdown_timeout_ms`, `log_format`, `log_level`; remove it or correct its name"
        ],
    );
    check(
        "serwer: 1\n",
        none(),
        expect![
            "line 1: unknown field `serwer`, expected one of `server`, `data`, `clock`, `sites`, `locations`, `feeds`, `log`, `snapshots`, `impressions`, `attribution`, `holdout`, `recommendations`, `search`, `learning`, `profiles`, `limits`, `access`, `privacy`, `audit`, `personalization`, `inventory`, `content_generation`; remove it or correct its name"
        ],
    );
    check(
        "server:\n  listen: 8080\n",
        none(),
        expect![
            "line 2: server.listen: `8080` is not an address and port; write for example 127.0.0.1:8080"
        ],
    );
    check(
        "server:\n  listen: nowhere\n",
        none(),
        expect![
            "line 2: server.listen: `nowhere` is not an address and port; write for example 127.0.0.1:8080"
        ],
    );
    check(
        "server:\n  connections_max: many\n",
        none(),
        expect![[
            r#"line 2: server.connections_max: invalid type: string "many", expected a whole number; souk.yaml gives the unit and default of every setting"#
        ]],
    );
    check(
        "server:\n  connections_max: 0\n",
        none(),
        expect![
            "line 2: server.connections_max: 0 is out of range; write a whole number from 1 to 1000000"
        ],
    );
    check(
        "server:\n  tls_cert: cert.pem\n",
        none(),
        expect![
            "`server.tls_cert`: a certificate and a key belong together; set `tls_cert` and `tls_key`, or neither"
        ],
    );
    check("sites: []\n", none(), expect!["`sites`: the list is empty; name at least one site"]);
    check(
        "sites:\n  - currency: ABC\n",
        none(),
        expect![
            "line 2: sites[0].currency: currency `ABC` is not in ISO 4217; write for example USD"
        ],
    );
    check(
        "sites:\n  - {id: a}\n  - {id: a}\n",
        none(),
        expect!["`sites[1].id`: site `a` is listed twice; keep one"],
    );
    check(
        "sites:\n  - time_zone: Mars/Olympus\n",
        none(),
        expect![
            "line 2: sites[0].time_zone: time zone `Mars/Olympus` is not in the IANA database; write for example Europe/Berlin"
        ],
    );
    check(
        "locations:\n  - {id: s1, site: other}\n",
        none(),
        expect!["`locations[0].site`: site `other` is not in `sites`; add it there"],
    );
    check(
        "locations:\n  - {id: s1, closed: [12-32]}\n",
        vec![],
        expect![[
            "line 2: locations[0].closed: `12-32` is no day; write 12-25 for each year, or 2026-04-03, in quotation marks"
        ]],
    );
    check(
        "locations:\n  - {id: s1, day_cut_minutes: 1440}\n",
        none(),
        expect![
            "line 2: locations[0].day_cut_minutes: 1440 is out of range; write a whole number from 0 to 1439"
        ],
    );
    check(
        "locations:\n  - {id: s1, latitude: 48.2}\n",
        none(),
        expect!["`locations[0].longitude`: is missing beside the other one; give both or neither"],
    );
    check(
        "locations:\n  - {id: s1, latitude: 98.2, longitude: 16}\n",
        none(),
        expect!["`locations[0].latitude`: latitude is 98.2; it must be between -90 and 90 degrees"],
    );
    check(
        "locations:\n  - {site: main}\n",
        none(),
        expect!["line 2: locations[0]: missing field `id`"],
    );
    check(
        "log:\n  archive_after_days: 7\n",
        none(),
        expect![
            "line 2: log.archive_after_days: 7 is out of range; write a whole number from 8 to 36500"
        ],
    );
    check(
        "impressions:\n  sample: 1.5\n",
        none(),
        expect!["line 2: impressions.sample: 1.5 is out of range; write a number from 0.0 to 1.0"],
    );
    check(
        "impressions:\n  sample: .nan\n",
        none(),
        expect!["line 2: impressions.sample: NaN is out of range; write a number from 0.0 to 1.0"],
    );
    check(
        "recommendations: {limit_default: 50, limit_max: 20}\n",
        none(),
        expect![
            "`recommendations.limit_default`: 50 is above `recommendations.limit_max` (20); lower it"
        ],
    );
    check(
        "personalization: {real_time_processing: false}\n",
        none(),
        expect![
            "line 1: personalization.real_time_processing: `false` is not possible: every event counts as soon as it is durable; write true or leave it out"
        ],
    );
    check("data:\n  dir: a\n  dir: b\n", none(), expect!["line 2: data: duplicate field `dir`"]);
    check(
        "server: [\n",
        none(),
        expect![
            "line 1: server: invalid type: sequence, expected struct ServerSettings; souk.yaml gives the unit and default of every setting"
        ],
    );
    check(
        "just words\n",
        none(),
        expect![[
            r#"line 1: invalid type: string "just words", expected struct Config; souk.yaml gives the unit and default of every setting"#
        ]],
    );
}

#[test]
fn environment_overrides_the_file() {
    let config =
        Config::parse("server: {connections_max: 5}", env("SOUK_SERVER_LISTEN", "0.0.0.0:9000"))
            .unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(config.server.connections_max, 5);
    let config = Config::parse("", env("SOUK_SERVER_ALLOWED_ORIGINS", "[https://a, https://b]"));
    assert_eq!(config.unwrap().server.allowed_origins, ["https://a", "https://b"]);
    let config = Config::parse("", env("SOUK_LOG_ARCHIVE_AFTER_DAYS", "null"));
    assert_eq!(config.unwrap().log.archive_after_days, None);
    // What names no setting of ours is left alone.
    assert!(Config::parse("", env("SOUK_TEST_POSTGRES_URL", "x")).is_ok());
    check(
        "",
        env("SOUK_SERVER_LISTN", "x"),
        expect![
            "environment variable SOUK_SERVER_LISTN: there is no such setting; `souk config print` lists them all"
        ],
    );
    check(
        "",
        env("SOUK_SERVER_LISTEN", "x"),
        expect![
            "environment variable SOUK_SERVER_LISTEN (`server.listen`): `x` is not an address and port; write for example 127.0.0.1:8080"
        ],
    );
    check(
        "",
        env("SOUK_LIMITS_ANALYST_PER_S", "-1"),
        expect![
            "environment variable SOUK_LIMITS_ANALYST_PER_S (`limits.analyst.per_s`): -1 is out of range; write a whole number from 1 to 10000000"
        ],
    );
}

#[test]
fn check_reports_what_has_no_effect_yet() {
    assert_eq!(Config::default().check(), []);
    // The example of the brief, word for word.
    let brief = r#"
personalization:
  models:
    recommendation: "sagemaker-retail-recommender"
    content_generation: "anthropic.claude-3-5-sonnet-20241022-v2:0"
  real_time_processing: true
  cache_ttl: 3600

inventory:
  forecasting_horizon: 30
  confidence_threshold: 0.8
  auto_reorder: true

content_generation:
  languages: ["en", "es", "fr", "de"]
  seo_optimization: true
  brand_voice: "friendly_professional"
"#;
    let config = Config::parse(brief, none()).unwrap();
    let notices = config.check();
    let settings: Vec<&str> = notices.iter().map(|notice| notice.setting.as_str()).collect();
    assert_eq!(
        settings,
        [
            "inventory.auto_reorder",
            "personalization.models.recommendation",
            "personalization.models.content_generation",
            "personalization.cache_ttl",
            "content_generation.languages",
            "content_generation.seo_optimization",
            "content_generation.brand_voice",
        ]
    );
    let others = &notices[1..];
    assert!(others.iter().all(|notice| notice.detail.starts_with("accepted, no effect yet")));
    // What the brief switches on orders nothing before somebody says up to which amount.
    assert!(notices[0].detail.contains("approval_amount_max"), "{}", notices[0].detail);
}

#[test]
fn check_warns_of_open_doors() {
    let text = "server: {listen: '0.0.0.0:80'}\naccess: {require_keys: false}\n";
    let config = Config::parse(text, none()).unwrap();
    let settings: Vec<String> = config.check().into_iter().map(|notice| notice.setting).collect();
    assert_eq!(settings, ["access.require_keys", "server.tls_cert"]);
}

#[test]
fn print_hides_passwords() {
    let text = "data: {log: 'nats://souk:hunter2@host:4222/log', keys: 'sqlite:keys.db'}";
    let config = Config::parse(text, none()).unwrap();
    let shown = config.print();
    assert!(!shown.contains("hunter2"));
    assert!(shown.contains("nats://souk:…@host:4222/log"));
    assert!(shown.contains("sqlite:keys.db"));
    assert_eq!(config.data.log, "nats://souk:hunter2@host:4222/log");
}

/// A secret in any setting that takes a text, in each form in which people write one.
#[test]
fn print_hides_secrets_in_every_setting() {
    let tree = serde_yaml_ng::to_value(Config::default()).unwrap();
    let mut names = Vec::new();
    paths(&tree, "", &mut names);
    let mut tried = 0;
    for form in [
        "nats://hunter2@host",
        "postgres://souk:hunter2@host/db",
        "postgres://host/db?sslmode=require&password=hunter2",
        "https://hook.example/?sig=hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
    ] {
        for name in &names {
            let mut config = tree.clone();
            let steps: Vec<&str> = name.trim_start_matches('.').split('.').collect();
            let leaf = steps.iter().try_fold(&mut config, |value, step| value.get_mut(*step));
            let Some(leaf) = leaf.filter(|leaf| leaf.is_string() || leaf.is_null()) else {
                continue;
            };
            *leaf = Value::String(form.to_owned());
            // Settings with a type of their own do not take such a text at all.
            let Ok(config) = serde_yaml_ng::from_value::<Config>(config) else { continue };
            assert!(!config.print().contains("hunter2"), "{name}: {form}");
            tried += 1;
        }
    }
    assert!(tried > 50, "only {tried} settings took the text");
}

/// The settings whose name speaks of a secret. Each was looked at: a new one must be, too.
#[test]
fn settings_that_concern_secrets_are_known() {
    let mut names = Vec::new();
    paths(&serde_yaml_ng::to_value(Config::default()).unwrap(), "", &mut names);
    let words = ["key", "secret", "token", "password", "passphrase", "credential"];
    names.retain(|name| words.iter().any(|word| name.contains(word)));
    names.sort();
    assert_eq!(
        names,
        [
            ".access.oidc.token_s_max",    // a number
            ".access.require_keys",        // yes or no
            ".access.shopper_token_s_max", // a number
            ".data.keys",                  // a URL, shown without its password
            ".data.master_key",            // a place; anything else is hidden
            ".privacy.shopify.secret",     // the same
            ".server.tls_key",             // a path; a key in PEM is hidden
        ]
    );
    // Somebody who writes the key itself where its place belongs does not read it in a log.
    let key = "9f".repeat(32);
    let config = Config::parse(&format!("data: {{master_key: '{key}'}}"), none()).unwrap();
    assert!(!config.print().contains(&key));
    assert_eq!(shown_place(&key), "…");
    assert_eq!(shown_place("env:SOUK_MASTER_KEY"), "env:SOUK_MASTER_KEY");
    assert_eq!(
        shown_url("postgres://a:b@h/d?x=1&sslpassword=c"),
        "postgres://a:…@h/d?x=1&sslpassword=…"
    );
}

#[test]
fn sign_in_settings_belong_together() {
    let refused = |oidc: &str| {
        let text = format!("access:\n  oidc: {oidc}\n");
        Config::parse(&text, none()).unwrap_err().to_string()
    };
    let good = "issuer: https://login.example, audience: souk, jwks: 'https://login.example/keys', \
                roles: {staff: analyst}";
    Config::parse(&format!("access: {{oidc: {{{good}}}}}"), none()).unwrap();
    for (setting, oidc) in [
        ("issuer", "{audience: souk}"),
        ("audience", "{issuer: x, jwks: 'file:k.json', roles: {a: admin}}"),
        ("jwks", "{issuer: x, audience: souk, roles: {a: admin}}"),
        ("jwks", "{issuer: x, audience: souk, roles: {a: admin}, jwks: 'http://login.example/k'}"),
        (
            "jwks",
            "{issuer: x, audience: souk, roles: {a: admin}, jwks: 'http://127.0.0.1@e.example/'}",
        ),
        ("jwks", "{issuer: x, audience: souk, roles: {a: admin}, jwks: 'ftp://login.example/k'}"),
        ("roles", "{issuer: x, audience: souk, jwks: 'file:k.json'}"),
        ("algorithms", &format!("{{{good}, algorithms: []}}")),
        ("role_claim", &format!("{{{good}, role_claim: []}}")),
    ] {
        let text = refused(oidc);
        assert!(text.starts_with(&format!("`access.oidc.{setting}`: ")), "{oidc}: {text}");
    }
    for name in ["none", "HS256", "RS257"] {
        let text = refused(&format!("{{{good}, algorithms: [{name}]}}"));
        assert!(text.contains("unknown variant") && text.contains("RS256"), "{text}");
    }
    for role in ["ingest_browser", "storefront_browser", "root"] {
        let text = refused(&format!("{{issuer: x, roles: {{staff: {role}}}}}"));
        assert!(text.contains("is no role for people"), "{text}");
    }
    for local in ["http://localhost:80/k", "http://[::1]:80/k", "http://127.0.0.1/k"] {
        let text = format!("access: {{oidc: {{{good}, jwks: '{local}'}}}}")
            .replace("jwks: 'https://login.example/keys', ", "");
        Config::parse(&text, none()).unwrap();
    }
}

#[test]
fn webhook_settings_belong_together() {
    let read =
        |webhooks: &str| Config::parse(&format!("privacy:\n  webhooks: {{{webhooks}}}\n"), none());
    let endpoint = |fields: &str| format!("endpoints: [{{{fields}}}]");
    let good = "name: crm, url: 'https://crm.example/x', secret: 'env:X', kinds: [erasure]";
    read(&endpoint(good)).unwrap();
    let http = endpoint(&good.replace("https", "http"));
    let config = read(&format!("allow_http: true, {http}")).unwrap();
    assert!(config.check().iter().any(|one| one.setting == "privacy.webhooks.allow_http"));
    let refused = [
        ("endpoints[0].url", http.clone()),
        ("endpoints[0].url", endpoint(&good.replace("crm.example", "me:pw@crm.example"))),
        ("endpoints[0].url", endpoint(&good.replace("https://crm.example/x", "ftp://crm.example"))),
        ("endpoints[0].name", endpoint(&good.replace("crm,", "'C R M',"))),
        ("endpoints[1].name", format!("endpoints: [{{{good}}}, {{{good}}}]")),
        ("endpoints[0].kinds", endpoint(&good.replace("[erasure]", "[]"))),
        ("allowed_networks[0]", "allowed_networks: ['10.0.0.0/33']".to_owned()),
    ];
    for (setting, webhooks) in refused {
        let error = read(&webhooks).unwrap_err().to_string();
        assert!(error.contains(&format!("privacy.webhooks.{setting}")), "{webhooks}: {error}");
    }
    // Somebody who writes the secret itself where its place belongs does not read it in a log.
    let bare = read(&endpoint(&good.replace("env:X", "whsec_abc"))).unwrap();
    assert!(!bare.print().contains("whsec_abc"));
    let former = read(&endpoint(&format!("{good}, secret_previous: whsec_abc"))).unwrap();
    assert!(!former.print().contains("whsec_abc"));
}

#[test]
fn feed_settings_belong_together() {
    let read = |feeds: &str| Config::parse(&format!("feeds: {{{feeds}}}\n"), none());
    let source = |fields: &str| format!("sources: [{{{fields}}}]");
    let good = "name: google, url: 'https://shop.example/f.xml'";
    let config = read(&source(good)).unwrap();
    let feed = &config.feeds.sources[0];
    assert_eq!((feed.every_minutes, feed.full, feed.removal_share_max), (1_440, false, 0.1));
    let http = source(&good.replace("https", "http"));
    let config = read(&format!("allow_http: true, {http}")).unwrap();
    assert!(config.check().iter().any(|one| one.setting == "feeds.allow_http"));
    let other = good.replace("google", "meta");
    let refused = [
        ("sources[0].url", http.clone()),
        ("sources[0].url", source("name: google")),
        ("sources[0].url", source(&format!("{good}, file: f.xml"))),
        ("sources[0].url", source(&good.replace("shop.example", "me:pw@shop.example"))),
        ("sources[0].name", source(&good.replace("google", "../google"))),
        ("sources[1].name", format!("sources: [{{{good}}}, {{{good}}}]")),
        ("sources[0].site", source(&format!("{good}, site: nowhere"))),
        ("sources[1].full", format!("sources: [{{{good}, full: true}}, {{{other}, full: true}}]")),
        ("allowed_networks[0]", "allowed_networks: ['x']".to_owned()),
    ];
    for (setting, feeds) in refused {
        let error = read(&feeds).unwrap_err().to_string();
        assert!(error.contains(&format!("feeds.{setting}")), "{feeds}: {error}");
    }
    assert!(read(&source(&format!("{good}, kind: orders"))).is_err());
}
