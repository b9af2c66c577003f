//! What scales fuzzing out: the build script of ClusterFuzzLite and OSS-Fuzz, run without a container in the environment of
//! their image, and the nightly job that grows the corpus.
//!
//! Which targets are built, and how, is shown with a cargo that only notes what it is asked; one parser and one node are built
//! for real, and run.
#![expect(clippy::disallowed_methods, reason = "it runs scripts and what they leave")]
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof_fuzz::{TARGETS, target};
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("files_are_named_and_filled_as_engines_want", files_are_as_wanted),
        Trial::test("every_target_is_built_unless_some_are_named", every_target_is_built),
        Trial::test("flags_follow_the_sanitizer", flags_follow_the_sanitizer),
        Trial::test("other_engines_and_sanitizers_are_refused", others_are_refused),
        wanting(cargo_fuzz(), "what_is_built_runs_and_grows_the_corpus", built_and_grown),
        wanting(yaml(), "jobs_are_yaml_and_their_commands_are_bash", jobs_can_be_read),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A trial; left out, visibly, where something is missing and nobody demands it.
fn wanting(missing: Option<&str>, name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    let Some(missing) = missing else { return Trial::test(name, test) };
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    if !demanded {
        eprintln!("*** {name} is left out: this machine lacks {missing}");
    }
    let why = format!("not run: this machine lacks {missing}");
    Trial::test(name, move || Err(why.into())).with_kind("left out").with_ignored_flag(!demanded)
}

fn cargo_fuzz() -> Option<&'static str> {
    if !says_yes(Command::new("c++").arg("--version")) {
        return Some("a C++ compiler: tools/set-up fuzz installs it");
    }
    (!says_yes(Command::new(env!("CARGO")).args(["fuzz", "--version"])))
        .then_some("cargo-fuzz: tools/set-up fuzz installs it")
}

fn yaml() -> Option<&'static str> {
    (!says_yes(Command::new(python()).args(["-c", "import yaml"])))
        .then_some("PyYAML: tools/set-up test installs it")
}

fn files_are_as_wanted() -> Result<(), Failed> {
    let project = fs::read_to_string(root().join(".clusterfuzzlite/project.yaml"))?;
    let wanted = [
        "language: rust",
        "homepage: ",
        "main_repo: ",
        "primary_contact: ",
        "  - address",
        "  - libfuzzer",
    ];
    for line in wanted {
        ensure(project.lines().any(|one| one.starts_with(line)), || {
            format!("project.yaml has no `{line}`")
        })?;
    }
    let image = fs::read_to_string(root().join(".clusterfuzzlite/Dockerfile"))?;
    let wanted = [
        "FROM gcr.io/oss-fuzz-base/base-builder-rust",
        "COPY . $SRC/roamproof",
        "WORKDIR $SRC/roamproof",
        "COPY .clusterfuzzlite/build.sh $SRC/",
    ];
    for line in wanted {
        ensure(image.lines().any(|one| one.starts_with(line)), || {
            format!("Dockerfile has no `{line}`")
        })?;
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    for target in TARGETS {
        ensure(target.name.chars().all(plain), || format!("engines do not run {}", target.name))?;
    }
    Ok(())
}

fn every_target_is_built() -> Result<(), Failed> {
    let all: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    for (said, wanted) in [(None, all), (Some("sip router"), BTreeSet::from(["router", "sip"]))] {
        let bench = Bench::new()?;
        succeeded(&bench.script(&[("TARGETS", said)]).output()?)?;
        same(&names(&bench.out())?, &left_behind(&wanted))?;
    }
    Ok(())
}

fn flags_follow_the_sanitizer() -> Result<(), Failed> {
    for (sanitizer, flag, coverage) in [
        (None, "--sanitizer address", false),
        (Some("address"), "--sanitizer address", false),
        (Some("none"), "--sanitizer none", false),
        (Some("coverage"), "--sanitizer none", true),
    ] {
        let bench = Bench::new()?;
        let environment = [("TARGETS", Some("rtp")), ("SANITIZER", sanitizer)];
        succeeded(&bench.script(&environment).output()?)?;
        let asked = fs::read_to_string(bench.folder.path().join("asked"))?;
        ensure(asked.contains(flag), || format!("{sanitizer:?}: no {flag} in: {asked}"))?;
        // Without it an overflow wraps unseen.
        ensure(asked.contains("--debug-assertions"), || format!("{sanitizer:?}: {asked}"))?;
        ensure(asked.contains("-Cinstrument-coverage") == coverage, || {
            format!("{sanitizer:?}: {asked}")
        })?;
        ensure(asked.contains("toolchain: none"), || {
            format!("the image's compiler is used: {asked}")
        })?;
    }
    Ok(())
}

fn others_are_refused() -> Result<(), Failed> {
    for (name, value) in [("SANITIZER", "memory"), ("FUZZING_ENGINE", "afl")] {
        let bench = Bench::new()?;
        let refused = bench.script(&[(name, Some(value))]).output()?;
        ensure(refused.status.code() == Some(2), || format!("{name}={value}: {}", told(&refused)))?;
        ensure(told(&refused).contains(value), || told(&refused))?;
        ensure(names(&bench.out())?.is_empty(), || format!("{name}={value} leaves something"))?;
    }
    Ok(())
}

/// One parser, which has a dictionary, and one node, which has none.
const SAMPLE: [&str; 2] = ["rtp", "router"];

fn built_and_grown() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let out = folder.path().join("out");
    let source = folder.path().join("src");
    fs::create_dir(&source)?;
    symlink(root(), source.join("roamproof"))?;
    let mut script = in_their_image(&root().join(".clusterfuzzlite/build.sh"));
    succeeded(&script.env("SRC", source).env("OUT", &out).output()?)?;
    same(&names(&out)?, &left_behind(&SAMPLE.into()))?;
    for name in SAMPLE {
        runs_over_its_seeds(name, &out, folder.path())?;
    }
    grows(folder.path())
}

/// A target runs over what its archive holds, and takes its dictionary.
fn runs_over_its_seeds(name: &str, out: &Path, folder: &Path) -> Result<(), Failed> {
    let program = out.join(name);
    ensure(program.metadata()?.permissions().mode() & 0o111 == 0o111, || {
        format!("{name}: not executable")
    })?;
    let seeds = folder.join(format!("seeds-{name}"));
    let archive = out.join(format!("{name}_seed_corpus.zip"));
    succeeded(
        &Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(&seeds).output()?,
    )?;
    let committed = root().join("fuzz/corpus").join(name);
    same(&names(&seeds)?, &names(&committed)?)?;
    for file in names(&seeds)? {
        ensure(fs::read(seeds.join(&file))? == fs::read(committed.join(&file))?, || {
            format!("{name}: {file} differs")
        })?;
    }

    let mut command = Command::new(&program);
    command.arg("-runs=0").arg(&seeds);
    let dictionary = target(name).dictionary();
    if dictionary.is_some() {
        command.arg(format!("-dict={}", out.join(format!("{name}.dict")).display()));
    }
    let ran = command.output()?;
    succeeded(&ran)?;
    let mut pieces = vec![
        "found LLVMFuzzerCustomMutator".to_owned(),
        format!("{} files found in", names(&seeds)?.len()),
    ];
    pieces.extend(dictionary.map(|text| format!("Dictionary: {} entries", text.lines().count())));
    for piece in pieces {
        ensure(told(&ran).contains(&piece), || format!("{name}: no {piece:?} in: {}", told(&ran)))?;
    }

    let told_by_sanitizer =
        Command::new(&program).arg("-runs=0").env("ASAN_OPTIONS", "help=1").output()?;
    ensure(told(&told_by_sanitizer).contains("AddressSanitizer"), || {
        format!("{name}: no sanitizer is in it")
    })?;
    succeeded(&Command::new(&program).arg("-runs=300").arg(&seeds).output()?)?;
    // Where engines run it, nothing is installed.
    let wants = told(&Command::new("ldd").arg(&program).output()?);
    let foreign = wants.lines().filter(|line| line.contains("=>")).find(|line| {
        let system = [
            "libc.so",
            "libm.so",
            "libgcc_s.so",
            "libstdc++.so",
            "libdl.so",
            "libpthread.so",
            "librt.so",
        ];
        !system.iter().any(|name| line.trim_start().starts_with(name))
    });
    ensure(foreign.is_none(), || format!("{name} wants {}", foreign.unwrap_or_default()))
}

/// The nightly job's script, for two seconds and in a corpus of its own: what it adds is new, and nothing goes.
fn grows(folder: &Path) -> Result<(), Failed> {
    let corpus = folder.join("corpus");
    let before: Vec<BTreeSet<String>> =
        SAMPLE.iter().map(|name| copied(name, &corpus)).collect::<Result<_, _>>()?;
    let grown = in_their_image(&root().join("tools/grow-corpus"))
        .envs([("SECONDS_EACH", "2"), ("KEEP_MAX", "3")])
        .env("CORPUS", &corpus)
        // It runs where the compiler is right.
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()?;
    succeeded(&grown)?;
    let mut new = 0;
    for (name, before) in SAMPLE.iter().zip(before) {
        let after = names(&corpus.join(name))?;
        ensure(after.is_superset(&before), || format!("{name}: {before:?} became {after:?}"))?;
        let added = after.len() - before.len();
        ensure(added <= 3, || format!("{name}: {added} new inputs"))?;
        new += added;
    }
    ensure(new > 0, || format!("two seconds of the nightly job add nothing: {}", told(&grown)))
}

/// A copy of the first of a target's committed inputs, so that there is something left to reach.
fn copied(name: &str, corpus: &Path) -> Result<BTreeSet<String>, Failed> {
    let (from, to) = (root().join("fuzz/corpus").join(name), corpus.join(name));
    fs::create_dir_all(&to)?;
    let first = names(&from)?.into_iter().next().ok_or("no corpus")?;
    fs::copy(from.join(&first), to.join(&first))?;
    Ok(BTreeSet::from([first]))
}

fn jobs_can_be_read() -> Result<(), Failed> {
    let program = r#"
import subprocess, sys, yaml
for path in sys.argv[1:]:
    document = yaml.safe_load(open(path))
    for name, job in document.get("jobs", {}).items():
        assert job["steps"], f"{path}: {name} has no steps"
        for step in job["steps"]:
            assert "run" in step or "uses" in step, f"{path}: {step}"
            subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)
    print(path, *document)
"#;
    let jobs = ["nightly.yml", "clusterfuzzlite.yml", "ci.yml"]
        .map(|name| root().join(".github/workflows").join(name));
    let project = root().join(".clusterfuzzlite/project.yaml");
    let read = Command::new(python()).args(["-c", program]).args(jobs).arg(project).output()?;
    succeeded(&read)?;
    ensure(told(&read).contains("project.yaml language"), || told(&read))
}

/// A folder as engines give one, with a cargo that notes what it is asked and leaves empty programs.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Result<Self, Failed> {
        let folder = TempDir::new()?;
        let path = folder.path();
        for name in ["src", "bin", "built"] {
            fs::create_dir(path.join(name))?;
        }
        fs::create_dir(path.join("out"))?;
        symlink(root(), path.join("src/roamproof"))?;
        let cargo = path.join("bin/cargo");
        fs::write(&cargo, STAND_IN)?;
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder })
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn script(&self, environment: &[(&str, Option<&str>)]) -> Command {
        let path = self.folder.path();
        let mut script = in_their_image(&root().join(".clusterfuzzlite/build.sh"));
        let first =
            format!("{}:{}", path.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        script
            .env("PATH", first)
            .env("BENCH", path)
            .env("SRC", path.join("src"))
            .env("OUT", self.out());
        script.env_remove("TARGETS").env_remove("SANITIZER").env_remove("RUSTFLAGS");
        script
            .envs(environment.iter().filter_map(|(name, value)| value.map(|value| (name, value))));
        script
    }
}

/// `cargo fuzz build` builds the target that is named last, or all.
const STAND_IN: &str = r#"#!/usr/bin/env bash
set -euo pipefail
targets() { for file in fuzz/fuzz_targets/*.rs; do basename "$file" .rs; done; }
case "$1 ${2:-}" in
    "fuzz build")
        echo "$* flags: ${RUSTFLAGS:-} toolchain: ${RUSTUP_TOOLCHAIN:-none}" >>"$BENCH/asked"
        folder=$BENCH/built/$(rustc -vV | sed -n 's/^host: //p')/release
        mkdir -p "$folder"
        for target in $(targets); do
            case "${!#}" in "$target" | address | none) echo '#!/bin/sh' >"$folder/$target" ;; esac
        done ;;
    metadata*) echo "{\"target_directory\": \"$BENCH/built\"}" ;;
    *) echo "nobody expected: cargo $*" >&2; exit 1 ;;
esac
"#;

/// A script in the environment that their image gives, with the compilers of this machine.
fn in_their_image(script: &Path) -> Command {
    let mut command = Command::new("bash");
    command.arg("-eu").arg(script);
    command.env_remove("CARGO").envs([
        ("FUZZING_ENGINE", "libfuzzer"),
        ("FUZZING_LANGUAGE", "rust"),
        ("ARCHITECTURE", "x86_64"),
        ("SANITIZER", "address"),
        ("CC", "cc"),
        ("CXX", "c++"),
        ("CFLAGS", "-O1 -fno-omit-frame-pointer"),
        ("CXXFLAGS", "-O1 -fno-omit-frame-pointer"),
        ("LIB_FUZZING_ENGINE", "-fsanitize=fuzzer"),
        ("RUSTFLAGS", "--cfg fuzzing -Zsanitizer=address -Cdebuginfo=1 -Cforce-frame-pointers"),
        // Older than the workspace wants, and not installed here.
        ("RUSTUP_TOOLCHAIN", "nightly-2025-09-05"),
        ("TARGETS", "rtp router"),
        // Not theirs: to build in less time what runs for seconds.
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ]);
    // Kept from run to run; the sanitizer's artifacts lie beside no other.
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusterfuzzlite"));
    command
}

/// The names of what the script leaves for these targets.
fn left_behind(targets: &BTreeSet<&str>) -> BTreeSet<String> {
    let of_one = |name: &&str| {
        let dictionary = target(name).dictionary().map(|_| format!("{name}.dict"));
        [(*name).to_owned(), format!("{name}_seed_corpus.zip")].into_iter().chain(dictionary)
    };
    targets.iter().flat_map(of_one).collect()
}

fn names(folder: &Path) -> Result<BTreeSet<String>, Failed> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry?.file_name().to_string_lossy().into_owned())
    };
    fs::read_dir(folder)?.map(name).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn python() -> PathBuf {
    root().join("target/venv/bin/python")
}

fn says_yes(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn succeeded(output: &Output) -> Result<(), Failed> {
    ensure(output.status.success(), || format!("{}: {}", output.status, told(output)))
}

fn same(seen: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Result<(), Failed> {
    ensure(seen == wanted, || format!("there is {seen:?}, wanted {wanted:?}"))
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(why().into()) }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
