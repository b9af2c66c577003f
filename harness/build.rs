//! Embeds the requirement catalogue, every `specs/**/*.toml`, so that the binary runs from any folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Asked when it runs: a build script is kept when the sources have moved.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let specs = Path::new(&package).join("../specs").canonicalize()?;
    println!("cargo::rerun-if-changed={}", specs.display());
    let mut paths = Vec::new();
    collect(&specs, &mut paths)?;
    paths.sort();

    let mut list = String::from("&[\n");
    for path in &paths {
        let name = path.strip_prefix(&specs).expect("found below specs").display().to_string();
        let path = path.display().to_string();
        writeln!(list, "    ({name:?}, include_str!({path:?})),").expect("a string takes any text");
    }
    list.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("specs.rs"), list)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    Ok(())
}
