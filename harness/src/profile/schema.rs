//! The JSON Schema of a profile, made of the types that read it and the list of features.

use serde_json::{Map, Value, json};

use super::raw::RawProfile;
use crate::feature::{self, Values};

/// The schema (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(RawProfile).to_value();
    if let Some(features) = schema.pointer_mut("/properties/features") {
        let known = feature::ALL.iter().map(|one| (one.name.to_owned(), value_of(one)));
        features["properties"] = Value::Object(known.collect::<Map<_, _>>());
        features["additionalProperties"] = Value::Bool(false);
    }
    schema
}

/// The schema as the text that is shipped in `schemas/device.schema.json`.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

fn value_of(feature: &feature::Feature) -> Value {
    let mut value = match feature.values {
        Values::YesNo => json!({ "enum": ["yes", "no", "unknown", true, false] }),
        Values::Words(words) => {
            let all: Vec<&str> = words.iter().copied().chain(["unknown"]).collect();
            json!({ "enum": all })
        }
        Values::Seconds => json!({
            "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "const": "unknown" }]
        }),
    };
    value["description"] = Value::String(feature.what.to_owned());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_schema_is_this_one() {
        let shipped = include_str!("../../../schemas/device.schema.json");
        let schema = schema_text();
        if std::env::var_os("ROAMPROOF_BLESS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/device.schema.json");
            std::fs::write(path, schema).unwrap();
        } else {
            assert_eq!(
                shipped, schema,
                "run this test with ROAMPROOF_BLESS=1 and review the change"
            );
        }
    }
}
