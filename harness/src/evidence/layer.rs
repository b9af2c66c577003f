//! A dissected frame as layers of named fields, each saying whether it may vary from run to run.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// One header or message of a frame, the outermost first.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `ethernet`, `ipv6`, `mobility`, `sip` …
    pub name: &'static str,
    /// It in a few words; empty where a line says nothing of it.
    pub summary: String,
    /// Its fields in wire order.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name, in words with hyphens: `sequence`, `home-address` …
    pub name: String,
    /// What it holds.
    pub value: Value,
    /// Whether two runs of one sequence agree in it.
    pub meaning: Meaning,
}

/// What two runs of one sequence have to do with each other in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Both hold the same.
    Fixed,
    /// Each holds its own, and wherever one holds it again so does the other: values of one class
    /// correspond one to one.
    Varies(String),
    /// It follows from the rest and is verified, not compared: checksums, authenticators, lengths.
    Verified,
    /// Text with parts that vary: tags, branches, ports …
    Text,
}

impl Layer {
    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// The value of a field that holds text.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(Value::as_str)
    }
}

impl fmt::Display for Layer {
    /// `mobility: message Binding Update, type 5, …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        for (index, field) in self.fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match field.value.as_str() {
                Some(text) => write!(f, "{comma} {} {text}", field.name)?,
                None => write!(f, "{comma} {} {}", field.name, field.value)?,
            }
        }
        Ok(())
    }
}

impl Serialize for Layer {
    /// An object: `layer` first, then the fields; a field that occurs again makes an array.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("layer", self.name)?;
        for (index, field) in self.fields.iter().enumerate() {
            if self.fields[..index].iter().any(|earlier| earlier.name == field.name) {
                continue;
            }
            let again = self.fields[index + 1..].iter().filter(|later| later.name == field.name);
            let rest: Vec<&Value> = again.map(|later| &later.value).collect();
            if rest.is_empty() {
                map.serialize_entry(&field.name, &field.value)?;
            } else {
                let all: Vec<&Value> = std::iter::once(&field.value).chain(rest).collect();
                map.serialize_entry(&field.name, &all)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_an_object_and_a_repeated_field_an_array() {
        let field = |name: &str, value: Value| Field {
            name: name.to_owned(),
            value,
            meaning: Meaning::Fixed,
        };
        let fields = vec![
            field("status", 180.into()),
            field("Via", "a".into()),
            field("Via", "b".into()),
            field("length", 7.into()),
        ];
        let layer = Layer { name: "sip", summary: String::new(), fields };
        assert_eq!(layer.to_string(), "sip: status 180, Via a, Via b, length 7");
        let json = serde_json::to_string(&layer).unwrap();
        assert_eq!(json, r#"{"layer":"sip","status":180,"Via":["a","b"],"length":7}"#);
    }
}
