//! The house rules that the compiler does not know. Each failure says where, what, and the cure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Who may name whom: folder, its package as code names it, and the packages it may use.
///
/// `wire ← node ← net | lab`, `wire ← harness`; only the root package and `fuzz` see both sides. The judge
/// must not share the accused's reasoning.
const PACKAGES: [(&str, &str, &[&str]); 10] = [
    ("reference/wire/", "roamproof_wire", &[]),
    ("reference/node/", "roamproof_node", &["roamproof_wire"]),
    ("reference/lab/", "roamproof_lab", &["roamproof_wire", "roamproof_node"]),
    ("reference/src/net/", "roamproof_reference", &["roamproof_wire", "roamproof_node"]),
    ("reference/", "roamproof_reference", &["roamproof_wire", "roamproof_node", "roamproof_lab"]),
    ("harness/", "roamproof_harness", &["roamproof_wire"]),
    ("fuzz/mutator/", "roamproof_mutator", &["roamproof_wire"]),
    ("capi/", "roamproof_capi", &["roamproof_mutator"]),
    (
        "fuzz/",
        "roamproof_fuzz",
        &[
            "roamproof_wire",
            "roamproof_node",
            "roamproof_lab",
            "roamproof_harness",
            "roamproof_mutator",
        ],
    ),
    (
        "",
        "roamproof",
        &[
            "roamproof_wire",
            "roamproof_node",
            "roamproof_lab",
            "roamproof_reference",
            "roamproof_harness",
            "roamproof_fuzz",
        ],
    ),
];

/// The parts of `roamproof-node` that play a role: none names another.
const ROLES: [&str; 5] = ["mobile_terminal", "home_agent", "correspondent", "sip_server", "router"];

/// What is not written here, and what is written instead.
const BANNED: [(&str, &str); 22] = [
    ("TODO", "do it, or open an issue and say nothing here"),
    ("FIXME", "fix it, or open an issue and say nothing here"),
    ("XXX", "say in a sentence what is odd and why it holds"),
    ("todo!(", "write it, or leave it out and let the compiler say what is missing"),
    ("unimplemented!(", "write it, or leave it out and let the compiler say what is missing"),
    ("dbg!(", "use `tracing`"),
    ("#[allow(", "use `#[expect(lint, reason = \"…\")]`"),
    ("#![allow(", "use `#![expect(lint, reason = \"…\")]`"),
    ("#[ignore", "a known gap is a line in specs/exceptions.toml"),
    ("#[should_panic", "return an error and compare it"),
    ("thread::sleep", "wait for a packet or a deadline"),
    ("fn get_", "name it after what it returns"),
    ("Manager", "name what it does: a cache, a list, a clock"),
    ("Utils", "put it in the file of the noun it is about"),
    ("mod utils", "put it in the file of the noun it is about"),
    ("mod helpers", "put it in the file of the noun it is about"),
    ("mod common", "put it in the file of the noun it is about"),
    ("blacklist", "say `deny list`"),
    ("whitelist", "say `allow list`"),
    ("sanity check", "say what is checked"),
    ("dummy", "say what stands there and why"),
    ("obviously", "leave the word out"),
];

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let (_, package, allowed) = package_of(&source.path);
        for (number, line) in source.lines() {
            for (_, other, _) in PACKAGES {
                if other != package && !allowed.contains(&other) && names_crate(line, other) {
                    wrong.push(source.fault(
                        number,
                        &format!("`{package}` names `{other}`"),
                        "turn the arrow round: see ARCHITECTURE.md",
                    ));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn manifests_point_one_way_and_share_the_lints() {
    let root = root();
    let workspace = read("Cargo.toml");
    let mut wrong = Vec::new();
    for manifest in files(&root, "Cargo.toml") {
        let text = read(&manifest);
        let (folder, package, allowed) = package_of(&manifest);
        let dependencies =
            (1..).zip(text.lines()).skip_while(|(_, line)| !line.contains("dependencies]"));
        for (number, line) in dependencies.filter(|_| manifest != "Cargo.toml") {
            for (_, other, _) in PACKAGES {
                let crate_name = other.replace('_', "-");
                let named = [".", " ="]
                    .iter()
                    .any(|after| line.starts_with(&format!("{crate_name}{after}")));
                if named && !allowed.contains(&other) {
                    wrong.push(format!(
                        "{manifest}:{number}: `{package}` depends on `{other}`: turn the arrow round: see ARCHITECTURE.md"
                    ));
                }
            }
        }
        if !text.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{manifest}: no `[lints] workspace = true`: add it"));
        }
        let member = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
        if workspace.matches(&format!("\"{member}\"")).count() < 2 {
            wrong.push(format!(
                "Cargo.toml: `{member}` is not in both `members` and `default-members`: add it"
            ));
        }
    }
    report(&wrong);
}

#[test]
fn roles_do_not_name_each_other() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(role) = ROLES
            .iter()
            .find(|role| source.path.starts_with(&format!("reference/node/src/{role}")))
        else {
            continue;
        };
        for (number, line) in source.lines() {
            for other in ROLES.iter().filter(|other| *other != role) {
                if line.contains(&format!("crate::{other}::")) {
                    wrong.push(source.fault(
                        number,
                        &format!("`{role}` names `{other}`"),
                        "what both need belongs into `host` or a file of its own",
                    ));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mute = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    report(
        &mute
            .map(|source| source.fault(1, "no `//! ` on line 1", "say what the file is for"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_file_is_part_of_a_program() {
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.path.contains("src/")) {
        let (folder, file) = source.path.rsplit_once('/').expect("a file in src/");
        let module = file.trim_end_matches(".rs");
        let (folder, module) = match module {
            "lib" | "main" => continue,
            "mod" => folder.rsplit_once('/').expect("a module has a name"),
            _ => (folder, module),
        };
        let parents = ["mod.rs", "lib.rs", "main.rs"].map(|parent| format!("{folder}/{parent}"));
        let declared = parents.into_iter().chain([format!("{folder}.rs")]).any(|parent| {
            fs::read_to_string(root().join(parent))
                .is_ok_and(|text| text.contains(&format!("mod {module};")))
        });
        if !declared {
            wrong.push(source.fault(1, "no `mod` names it", "declare it, or delete it"));
        }
    }
    report(&wrong);
}

#[test]
fn files_and_functions_fit() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(source.fault(
                1,
                &format!("{lines} lines, at most {FILE_LINES_MAX}"),
                "split it by what it does; tests move along",
            ));
        }
        for (number, name, lines) in functions(&source.text) {
            if lines > FUNCTION_LINES_MAX {
                wrong.push(source.fault(
                    number,
                    &format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}"),
                    "keep the branches, move the leaves out",
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn banned_words_stay_out() {
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.path != "tests/tidy.rs") {
        for (number, line) in source.lines() {
            let line = &line.replace("fn get_mut(", ""); // The name that std gave it.
            for (word, cure) in BANNED.iter().filter(|(word, _)| line.contains(*word)) {
                wrong.push(source.fault(number, &format!("`{word}`"), cure));
            }
        }
    }
    report(&wrong);
}

#[test]
fn unsafe_code_is_fenced() {
    let mut wrong = Vec::new();
    for library in
        ["reference/wire/src/lib.rs", "reference/node/src/lib.rs", "reference/lab/src/lib.rs"]
    {
        if !read(library).contains("#![forbid(unsafe_code)]") {
            wrong
                .push(format!("{library}:1: no `#![forbid(unsafe_code)]`: add it below the `//!`"));
        }
    }
    for source in sources().into_iter().filter(|source| source.path != "tests/tidy.rs") {
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let used = line.contains("unsafe {") || line.contains("unsafe impl ");
            if used
                && !lines[index.saturating_sub(SAFETY_WITHIN)..index]
                    .iter()
                    .any(|above| above.contains("// SAFETY:"))
            {
                wrong.push(source.fault(
                    index + 1,
                    "`unsafe` without a reason",
                    "say above it `// SAFETY:` and why it holds",
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn snapshots_are_reviewed_and_belong_to_a_test() {
    let root = root();
    let mut wrong = Vec::new();
    for pending in files(&root, ".snap.new").into_iter().chain(files(&root, ".pending-snap")) {
        wrong.push(format!("{pending}:1: a snapshot nobody reviewed: look at it, then `cargo insta accept` or delete it"));
    }
    for path in files(&root, ".snap") {
        let text = read(&path);
        let source =
            text.lines().find_map(|line| line.strip_prefix("source: ")).unwrap_or_default();
        let name = path.rsplit("__").next().unwrap_or_default().trim_end_matches(".snap");
        let test = name
            .rsplit_once('-')
            .filter(|(_, number)| number.parse::<u32>().is_ok())
            .map_or(name, |(test, _)| test);
        // A snapshot beside a capture is its dissection, and named for it.
        let capture = root.join(path.replace(".snap", ".pcapng")).is_file();
        let named = || read(source).contains(test.split('@').next().unwrap_or_default());
        let owned = root.join(source).is_file() && (capture || named());
        if !owned {
            wrong.push(format!(
                "{path}:1: no test `{test}` in `{source}` makes it: delete it or mend its name"
            ));
        }
    }
    report(&wrong);
}

const SAFETY_WITHIN: usize = 6;

/// One Rust file.
struct Source {
    /// Below the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    fn fault(&self, line: usize, what: &str, cure: &str) -> String {
        format!("{}:{line}: {what}: {cure}", self.path)
    }
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} against the house rules\n{}\n", wrong.len(), wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let sources: Vec<Source> =
        files(&root(), ".rs").into_iter().map(|path| Source { text: read(&path), path }).collect();
    assert!(sources.len() > 10, "the sources are found");
    sources
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below `folder` whose names end so, relative to the root, without what Cargo and git keep.
fn files(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            let name =
                path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "out" {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                let below = path.strip_prefix(root()).expect("found below the root");
                found.insert(below.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.into_iter().collect()
}

fn package_of(path: &str) -> (&'static str, &'static str, &'static [&'static str]) {
    *PACKAGES
        .iter()
        .find(|(folder, _, _)| path.starts_with(folder))
        .expect("the root takes the rest")
}

/// Whether `line` names the crate, not merely one whose name begins like it.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == '-')
            && line[at + name.len()..].starts_with("::")
    })
}

/// The functions of a formatted file: line, name, and how many lines from `fn` to its closing brace.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[index..].iter().position(|line| {
            let inside = line.strip_prefix(indent).unwrap_or_default();
            inside == "}"
                || ((inside.ends_with('}') || inside.ends_with(';')) && !inside.starts_with(' '))
        });
        found.push((index + 1, name, end.map_or(lines.len() - index, |end| end + 1)));
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.trim_start();
    while let Some(rest) = ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe "]
        .iter()
        .find_map(|word| words.strip_prefix(word))
    {
        words = rest;
    }
    let name = words.strip_prefix("fn ")?;
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[test]
fn function_lengths_are_measured() {
    let text = "fn one() {}\nimpl X {\n    pub const fn two(\n        self,\n    ) -> u8 {\n        2\n    }\n    fn three(&self);\n}\n";
    let lengths: Vec<(String, usize)> =
        functions(text).into_iter().map(|(_, name, lines)| (name, lines)).collect();
    assert_eq!(lengths, [("one".to_owned(), 1), ("two".to_owned(), 5), ("three".to_owned(), 1)]);
}

#[test]
fn a_crate_is_named_by_its_whole_name() {
    assert!(names_crate("use roamproof_node::Node;", "roamproof_node"));
    assert!(!names_crate("use roamproof_nodes::Node;", "roamproof_node"));
    assert!(!names_crate("use roamproof_node::Node;", "roamproof"));
}
