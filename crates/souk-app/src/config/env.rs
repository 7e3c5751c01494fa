//! Overrides from the environment, so that a container needs no file.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

use super::Config;
use crate::AppError;

const PREFIX: &str = "SOUK_";

/// Applies every variable that names a setting.
///
/// A variable that begins like a section and names no setting is refused: it is a slip of the pen.
/// Other variables with the prefix belong to other programs and are left alone.
pub(super) fn apply(
    config: Config,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, AppError> {
    let mut tree = serde_yaml_ng::to_value(&config).expect("every setting is plain data");
    let names = names();
    let mut is_changed = false;
    let given: BTreeMap<String, String> = env.into_iter().collect();
    for (variable, text) in given {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        let Some(path) = names.get(name) else {
            if is_of_section(name) {
                let detail = format!(
                    "environment variable {variable}: there is no such setting; `souk config \
                     print` lists them all"
                );
                return Err(AppError::invalid("invalid_setting", &variable, detail));
            }
            continue;
        };
        let value: Value = serde_yaml_ng::from_str(&text).unwrap_or(Value::String(text.clone()));
        *leaf(&mut tree, path) = value;
        is_changed = true;
        // Read after each variable, so that a fault names the one that made it.
        serde_yaml_ng::from_value::<Config>(tree.clone()).map_err(|error| {
            let setting = path.join(".");
            let message = error.to_string();
            let message = message.strip_prefix(&format!("{setting}: ")).unwrap_or(&message);
            let detail = format!("environment variable {variable} (`{setting}`): {message}");
            AppError::invalid("invalid_setting", &setting, detail)
        })?;
    }
    if !is_changed {
        return Ok(config);
    }
    Ok(serde_yaml_ng::from_value(tree).expect("the tree was read after its last change"))
}

/// Every setting that a variable can name, by the variable's name without prefix.
///
/// Elements of lists have none; a whole list has one and is written as YAML: `[a, b]`.
pub(super) fn names() -> BTreeMap<String, Vec<String>> {
    let tree = serde_yaml_ng::to_value(Config::default()).expect("every setting is plain data");
    let mut names = BTreeMap::new();
    collect(&tree, &mut Vec::new(), &mut names);
    names
}

fn collect(tree: &Value, path: &mut Vec<String>, names: &mut BTreeMap<String, Vec<String>>) {
    match tree {
        Value::Mapping(settings) => {
            for (key, value) in settings {
                path.push(key.as_str().expect("settings have names").to_owned());
                collect(value, path, names);
                path.pop();
            }
        }
        _ => {
            names.insert(path.join("_").to_uppercase(), path.clone());
        }
    }
}

fn is_of_section(name: &str) -> bool {
    let tree = serde_yaml_ng::to_value(Config::default()).expect("every setting is plain data");
    let sections = tree.as_mapping().expect("the settings are a mapping");
    sections.keys().filter_map(Value::as_str).any(|section| {
        let section = section.to_uppercase();
        name.strip_prefix(&section).is_some_and(|rest| rest.starts_with('_'))
    })
}

fn leaf<'a>(tree: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(tree, |value, key| {
        value.get_mut(key.as_str()).expect("the path came from the same tree")
    })
}
