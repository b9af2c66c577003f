//! The JSON Schema of `result.json`, which is shipped as `schemas/result.schema.json`.

use super::Report;

/// The schema, as its file holds it.
#[must_use]
pub fn result_schema() -> String {
    let schema = schemars::schema_for!(Report);
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_SCHEMAS=1 cargo test schema` writes it anew.
    #[test]
    fn the_shipped_schema_is_that_of_the_report() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/result.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, result_schema()).unwrap();
        }
        let shipped = std::fs::read_to_string(path).unwrap_or_default();
        assert!(shipped == result_schema(), "write it anew: UPDATE_SCHEMAS=1 cargo test schema");
    }
}
