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
    assert_eq!(location.time_zone.iana_name(), Some("America/New_York"));
}

fn check(text: &str, variables: Vec<(String, String)>, expected: Expect) {
    let error = Config::parse(text, variables).unwrap_err();
    assert_eq!(error.code(), "invalid_setting");
    expected.assert_eq(&error.to_string());
}

#[test]
fn faults_name_setting_value_remedy_and_line() {
    check("server:\n  lisen: x\n", none(), expect![[r#""#]]);
    check("serwer: 1\n", none(), expect![[r#""#]]);
    check("server:\n  listen: 8080\n", none(), expect![[r#""#]]);
    check("server:\n  listen: nowhere\n", none(), expect![[r#""#]]);
    check("server:\n  connections_max: many\n", none(), expect![[r#""#]]);
    check("server:\n  connections_max: 0\n", none(), expect![[r#""#]]);
    check("server:\n  tls_cert: cert.pem\n", none(), expect![[r#""#]]);
    check("sites: []\n", none(), expect![[r#""#]]);
    check("sites:\n  - currency: ABC\n", none(), expect![[r#""#]]);
    check("sites:\n  - {id: a}\n  - {id: a}\n", none(), expect![[r#""#]]);
    check("sites:\n  - time_zone: Mars/Olympus\n", none(), expect![[r#""#]]);
    check("locations:\n  - {id: s1, site: other}\n", none(), expect![[r#""#]]);
    check("locations:\n  - {id: s1, day_cut_minutes: 1440}\n", none(), expect![[r#""#]]);
    check("locations:\n  - {site: main}\n", none(), expect![[r#""#]]);
    check("log:\n  archive_after_days: 7\n", none(), expect![[r#""#]]);
    check("impressions:\n  sample: 1.5\n", none(), expect![[r#""#]]);
    check("impressions:\n  sample: .nan\n", none(), expect![[r#""#]]);
    check("recommendations: {limit_default: 50, limit_max: 20}\n", none(), expect![[r#""#]]);
    check("personalization: {real_time_processing: false}\n", none(), expect![[r#""#]]);
    check("data:\n  dir: a\n  dir: b\n", none(), expect![[r#""#]]);
    check("server: [\n", none(), expect![[r#""#]]);
    check("just words\n", none(), expect![[r#""#]]);
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
    check("", env("SOUK_SERVER_LISTN", "x"), expect![[r#""#]]);
    check("", env("SOUK_SERVER_LISTEN", "x"), expect![[r#""#]]);
    check("", env("SOUK_LIMITS_ANALYST_PER_S", "-1"), expect![[r#""#]]);
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
            "personalization.models.recommendation",
            "personalization.models.content_generation",
            "personalization.cache_ttl",
            "inventory.forecasting_horizon",
            "inventory.confidence_threshold",
            "inventory.auto_reorder",
            "content_generation.languages",
            "content_generation.seo_optimization",
            "content_generation.brand_voice",
        ]
    );
    assert!(notices.iter().all(|notice| notice.detail.starts_with("accepted, no effect yet")));
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
