//! The example around a toy parser, built as a vendor would build it: the planted bug is found sooner
//! with the mutator than with libFuzzer's own, from the same seeds.
//!
//! libFuzzer comes from the sources that the crate `libfuzzer-sys` carries; a C++ compiler is wanted.
#![expect(clippy::disallowed_methods, reason = "it builds and runs programs as a vendor would")]
#![expect(clippy::print_stdout, reason = "a test says what it measured and what it left out")]

mod vendor;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vendor::{LIBRARIES, here, library, run};

/// Executions after which libFuzzer gives up.
const RUNS_MAX: u64 = 400_000;
/// Runs of each kind; the median counts.
const ROUNDS: u32 = 5;

#[test]
fn the_planted_bug_is_found_sooner_with_the_mutator() {
    let Some(engine) = engine() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let seeds = seeds(folder.path());
    let with = program(folder.path(), &engine, "with", true);
    let without = program(folder.path(), &engine, "without", false);
    let with = median((1..=ROUNDS).map(|round| executions(&with, &seeds, round)));
    let without = median((1..=ROUNDS).map(|round| executions(&without, &seeds, round)));
    println!("median executions to the bug: {with} with the mutator, {without} without");
    assert!(with < RUNS_MAX, "the mutator does not find it in {RUNS_MAX} executions");
    assert!(with < without, "{with} executions with the mutator, {without} without");
}

/// Executions until the parser aborted, or the most that were allowed.
fn executions(program: &Path, seeds: &Path, round: u32) -> u64 {
    let output = Command::new(program)
        .args(["-print_final_stats=1", "-max_len=256", "-exact_artifact_path=/dev/null"])
        .args([format!("-seed={round}"), format!("-runs={RUNS_MAX}")])
        .arg(fresh(seeds, round))
        .output()
        .expect("the program that was just built runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let found = said.contains("deadly signal");
    assert!(found || output.status.success(), "neither a finding nor an end: {said}");
    let executed =
        said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let executed = executed.and_then(|number| number.trim().parse().ok());
    let executed: u64 = executed.unwrap_or_else(|| panic!("no number of executions: {said}"));
    if found { executed } else { RUNS_MAX }
}

/// The seeds in a folder of their own: libFuzzer adds to it.
fn fresh(seeds: &Path, round: u32) -> PathBuf {
    let folder = seeds.with_file_name(format!("corpus-{round}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("it is ours");
    }
    fs::create_dir(&folder).expect("a folder");
    for entry in fs::read_dir(seeds).expect("the seeds") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file has a name").to_owned();
        fs::copy(&path, folder.join(name)).expect("a copy");
    }
    folder
}

/// What the example program writes as seeds of the family.
fn seeds(folder: &Path) -> PathBuf {
    let (program, seeds) = (folder.join("seeds-of"), folder.join("seeds"));
    fs::create_dir(&seeds).expect("a folder");
    run(Command::new("cc")
        .args(["-O1", "-I"])
        .arg(here("include"))
        .arg(here("examples/toy/seeds.c"))
        .arg(library())
        .args(LIBRARIES)
        .arg("-o")
        .arg(&program));
    run(Command::new(&program).args(["mobility"]).arg(&seeds).arg("40"));
    assert_eq!(fs::read_dir(&seeds).expect("the seeds").count(), 40);
    seeds
}

fn program(folder: &Path, engine: &Path, name: &str, with: bool) -> PathBuf {
    let mut objects = Vec::new();
    for (source, traced) in [("parser", true), ("harness", false), ("coverage", false)] {
        let object = folder.join(format!("{name}-{source}.o"));
        let mut command = Command::new("cc");
        command.args(["-O1", "-g", "-c", "-I"]).arg(here("include"));
        if traced {
            command.arg("-fsanitize-coverage=trace-pc,trace-cmp");
        }
        if with {
            command.arg("-DWITH_ROAMPROOF");
        }
        run(command.arg(here(&format!("examples/toy/{source}.c"))).arg("-o").arg(&object));
        objects.push(object);
    }
    let program = folder.join(name);
    run(
        // libFuzzer has the function of the traces too, and does nothing in it: ours is named first.
        Command::new("c++")
            .arg("-Wl,--allow-multiple-definition")
            .args(&objects)
            .arg(engine)
            .arg(library())
            .args(LIBRARIES)
            .arg("-o")
            .arg(&program),
    );
    program
}

/// libFuzzer as a library, built once and kept; `None`, said aloud, where there is no C++ compiler,
/// which fails in continuous integration.
fn engine() -> Option<PathBuf> {
    let there =
        Command::new("c++").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "no c++: apt-get install g++");
        println!("left out: no c++ (apt-get install g++)");
        return None;
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = kept.join("libfuzzer.a");
    if library.exists() {
        return Some(library);
    }
    let building = tempfile::tempdir_in(kept).expect("a folder");
    let mut sources: Vec<PathBuf> = fs::read_dir(sources_of_engine())
        .expect("the crate carries them")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .collect();
    sources.sort();
    run(Command::new("c++")
        .current_dir(building.path())
        .args(["-O1", "-std=c++17", "-w", "-c"])
        .args(&sources));
    let objects = fs::read_dir(building.path()).expect("the objects");
    let objects: Vec<PathBuf> = objects.map(|entry| entry.expect("an entry").path()).collect();
    let made = building.path().join("libfuzzer.a");
    run(Command::new("ar").arg("rcs").arg(&made).args(objects));
    fs::rename(made, &library).expect("the same file system");
    Some(library)
}

/// Where cargo keeps the sources of `libfuzzer-sys`.
fn sources_of_engine() -> PathBuf {
    // It downloads what no build on this system wanted until now: libFuzzer's sources among it.
    let words = ["metadata", "--format-version=1", "--locked"];
    let output = run(Command::new(env!("CARGO")).current_dir(here(".")).args(words));
    let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let manifest = text
        .split('"')
        .find(|piece| piece.contains("/libfuzzer-sys-") && piece.ends_with("/Cargo.toml"))
        .expect("the workspace depends on libfuzzer-sys");
    Path::new(manifest).with_file_name("libfuzzer")
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}
