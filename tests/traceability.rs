//! Every citation of a requirement names one, and every requirement that binds is judged or excused.

use std::fs;
use std::path::{Path, PathBuf};

use roamproof_harness::Catalogue;
use roamproof_harness::catalogue::ExceptionKind;
use roamproof_harness::coverage::{coverage, judges, summary};

#[test]
fn every_citation_names_a_requirement() {
    let catalogue = Catalogue::embedded();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in (1..).zip(text.lines()) {
            let Some(id) = line.trim_start().strip_prefix("//= ") else { continue };
            if let Err(unknown) = catalogue.requirement(id.trim_end()) {
                wrong.push(format!("{path}:{number}: {unknown}: cite a row of specs/, one a line"));
            }
        }
    }
    assert!(wrong.is_empty(), "citations of nothing\n{}\n", wrong.join("\n"));
}

#[test]
fn words_stand_only_below_a_citation() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for (index, pair) in lines.windows(2).enumerate() {
            if pair[1].starts_with("//# ")
                && !pair[0].starts_with("//= ")
                && !pair[0].starts_with("//# ")
            {
                wrong.push(format!(
                    "{path}:{}: words of no requirement: name it above them with `//= ID`",
                    index + 2
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n", wrong.join("\n"));
}

#[test]
fn every_row_that_binds_is_judged_or_excused() {
    let rows = coverage(Catalogue::embedded(), &judges());
    let forgotten: Vec<&str> = rows
        .iter()
        .filter(|row| row.is_forgotten())
        .map(|row| row.requirement.id.as_str())
        .collect();
    assert!(
        forgotten.is_empty(),
        "nothing judges {}: write a purpose, or say why not in specs/exceptions.toml",
        forgotten.join(", ")
    );
}

#[test]
fn judges_name_rows_that_there_are() {
    let catalogue = Catalogue::embedded();
    for judge in judges() {
        for id in judge.verifies {
            if let Err(unknown) = catalogue.requirement(id) {
                panic!("`{}` judges a row that is none: {unknown}", judge.name);
            }
        }
    }
}

/// An entry that lists its rows one by one is wrong as soon as one of them is judged; one with a `*` as
/// soon as all are.
#[test]
fn no_exception_is_stale() {
    let catalogue = Catalogue::embedded();
    let rows = coverage(catalogue, &judges());
    for exception in &catalogue.exceptions {
        let named = || rows.iter().filter(|row| exception.ids.names(&row.requirement.id));
        let judged: Vec<&str> = named()
            .filter(|row| !row.judged_by.is_empty())
            .map(|row| row.requirement.id.as_str())
            .collect();
        let stale = if exception.ids.as_str().contains('*') {
            judged.len() == named().count()
        } else {
            !judged.is_empty()
        };
        assert!(
            !stale,
            "specs/exceptions.toml: {}: {} judged now: take it out",
            exception.ids,
            judged.join(", ")
        );
    }
}

#[test]
fn the_coverage_is_the_one_that_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/coverage.txt");
    let reviewed = fs::read_to_string(path).expect("specs/coverage.txt");
    let now = summary(&coverage(Catalogue::embedded(), &judges()));
    assert!(
        now == reviewed,
        "the coverage changed: `cargo run -q -- list --summary > specs/coverage.txt`, and look at the difference"
    );
}

/// The row a reader would look for by hand: what the claimed call is about is never set aside for good.
#[test]
fn no_claim_is_set_aside_for_good() {
    for exception in &Catalogue::embedded().exceptions {
        assert!(
            !exception.ids.as_str().starts_with("CL-") || exception.kind == ExceptionKind::Planned,
            "specs/exceptions.toml: {}: a row of the claims may be planned, not set aside",
            exception.ids
        );
    }
}

fn sources() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    found.sort();
    assert!(found.len() > 10, "the sources are found");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(root, &path, found);
        } else if name.ends_with(".rs") {
            let below =
                path.strip_prefix(root).expect("found below the root").display().to_string();
            found.push((below, fs::read_to_string(&path).expect("readable text")));
        }
    }
}
