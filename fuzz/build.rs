//! Embeds the committed corpus, `corpus/TARGET/*`, so that the binary runs from any folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Asked when it runs: a build script is kept when the sources have moved.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let corpus = Path::new(&package).join("corpus").canonicalize()?;
    println!("cargo::rerun-if-changed={}", corpus.display());
    let mut list = String::from("&[\n");
    for folder in sorted(&corpus)? {
        for path in sorted(&folder)? {
            let name = |path: &Path| {
                path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            };
            let (target, name) = (name(&folder), name(&path));
            let path = path.display().to_string();
            writeln!(list, "    ({target:?}, {name:?}, include_bytes!({path:?})),")
                .expect("a string takes any text");
        }
    }
    list.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("corpus.rs"), list)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
