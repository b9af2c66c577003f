//! The committed corpus, as ordinary tests, and that every target has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use roamproof_fuzz::{Counting, Shape, TARGETS};

/// What an input may take is bounded.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn every_target_holds_over_its_corpus() {
    for target in TARGETS {
        let mut replayed = 0;
        for path in entries(&folder("corpus").join(target.name)) {
            println!("{}", path.display()); // The last line before a panic names the input.
            target.hold(&fs::read(&path).expect("a readable input"));
            replayed += 1;
        }
        assert!(replayed > 0, "corpus/{} is empty: put the golden octets there", target.name);
    }
}

/// The same operations are the same run: nothing draws, measures time or iterates in hash order.
#[test]
fn every_sequence_is_told_the_same_twice() {
    for target in TARGETS.iter().filter(|target| target.shape == Shape::Operations) {
        for (name, octets) in target.corpus() {
            let [once, again] = [(); 2].map(|()| target.trace(octets).to_string());
            assert_eq!(once, again, "{}/{name}", target.name);
        }
    }
}

/// A golden input that was edited in one place is what a hostile peer sends first.
#[test]
fn every_target_holds_over_edits_of_its_corpus() {
    for target in TARGETS {
        for path in entries(&folder("corpus").join(target.name)) {
            let octets = fs::read(&path).expect("a readable input");
            println!("{}", path.display());
            let step = step(target.shape);
            for cut in (0..octets.len()).step_by(step) {
                target.hold(&octets[..cut]);
            }
            let mut edited = octets.clone();
            for at in (0..octets.len()).step_by(step) {
                for edit in [octets[at] ^ 0x01, octets[at] ^ 0x80, 0x00, 0xff] {
                    edited[at] = edit;
                    target.hold(&edited);
                }
                edited[at] = octets[at];
            }
        }
    }
}

/// Neighbours as the mutator makes them, from the corpus on.
#[test]
fn every_target_holds_over_neighbours_of_its_corpus() {
    for target in TARGETS {
        for path in entries(&folder("corpus").join(target.name)) {
            let mut octets = fs::read(&path).expect("a readable input");
            for seed in 0..neighbours(target.shape) {
                let before = octets.clone();
                target.mutate(&mut octets, 4096, seed);
                println!("{} seed {seed}: {}", path.display(), octets.escape_ascii());
                target.hold(&octets);
                if seed % 16 == 0 {
                    octets = before;
                }
            }
        }
    }
}

/// Every family of messages has a target, and every target names a module that is there.
#[test]
fn every_family_has_a_target() {
    for family in roamproof_mutator::FAMILIES {
        let shape = Shape::Family(family.name);
        assert!(TARGETS.iter().any(|target| target.shape == shape), "{} has none", family.name);
    }
    for target in TARGETS {
        let module = folder("..").join(target.module);
        assert!(module.exists(), "{}: {} is not there", target.name, target.module);
    }
}

#[test]
fn targets_programs_and_corpora_are_the_same_list() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let mut programs = names("fuzz_targets");
    assert!(programs.remove("empty"), "what the speed of the others is held against");
    assert_eq!(programs, listed, "files in fuzz_targets/ and TARGETS");
    assert_eq!(names("corpus"), listed, "folders in corpus/ and TARGETS");
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    for name in listed {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "Cargo.toml has no [[bin]] {name}"
        );
    }
}

/// `tools/fuzz-bars --write` measures it anew.
#[test]
fn the_table_of_targets_has_a_row_for_each() {
    let text = fs::read_to_string(folder("README.md")).expect("a readme");
    let (_, rest) = text.split_once("<!-- tools/fuzz-bars -->\n").expect("where the table begins");
    let (table, _) = rest.split_once("<!-- /tools/fuzz-bars -->").expect("where it ends");
    let rows: Vec<&str> = table.lines().skip(2).filter_map(|row| row.split('`').nth(1)).collect();
    let listed: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(rows, listed, "rows of the table and TARGETS");
}

/// Engines and build scripts copy them, so that nothing has to be built for it. `ROAMPROOF_BLESS=1` writes
/// them anew.
#[test]
fn dictionaries_are_those_of_the_targets() {
    let mut wanted = BTreeSet::new();
    for target in TARGETS {
        let Some(text) = target.dictionary() else { continue };
        let file = folder("dictionaries").join(format!("{}.dict", target.name));
        if std::env::var_os("ROAMPROOF_BLESS").is_some() {
            fs::write(&file, &text).expect("a folder that can be written");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == text,
            "{} is not what the codec gives: ROAMPROOF_BLESS=1 cargo test -p roamproof-fuzz dictionaries",
            file.display()
        );
        wanted.insert(target.name.to_owned());
    }
    assert_eq!(names("dictionaries"), wanted, "files in dictionaries/ and targets that have one");
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn names(name: &str) -> BTreeSet<String> {
    let stem =
        |path: &Path| path.file_stem().expect("an entry has a name").to_string_lossy().into_owned();
    entries(&folder(name)).iter().map(|path| stem(path)).collect()
}

/// A sequence in the whole network takes as long as a hundred of other inputs.
const fn neighbours(shape: Shape) -> u64 {
    match shape {
        Shape::NetworkOperations => 12,
        Shape::Operations => 150,
        Shape::Family(_)
        | Shape::Prefixed(_)
        | Shape::Framed(_)
        | Shape::Text
        | Shape::PrefixedText
        | Shape::Octets => 300,
    }
}

/// Every how manieth octet is edited: a text is read slowly, and its letters are like one another; operations take
/// time, and most of their octets are those of packets that have targets of their own.
const fn step(shape: Shape) -> usize {
    match shape {
        Shape::Text | Shape::PrefixedText => 11,
        Shape::Operations => 7,
        Shape::NetworkOperations => 3,
        Shape::Family(_) | Shape::Prefixed(_) | Shape::Framed(_) | Shape::Octets => 1,
    }
}
