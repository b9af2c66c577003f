//! What a vendor links: the header and the library name the same functions, nothing else of ours is in the way of his, and
//! AFL++'s entry points load and do as it expects.
#![expect(clippy::disallowed_methods, reason = "it builds and runs programs as a vendor would")]

mod vendor;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use vendor::{LIBRARIES, here, library, run};

#[test]
fn the_header_declares_what_the_library_exports() {
    let header = fs::read_to_string(here("include/roamproof_fuzz.h")).expect("the header");
    let declared: BTreeSet<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("size_t ")?.split_once('(').map(|(name, _)| name))
        .collect();
    let listed = run(Command::new("nm").args(["-g", "--defined-only"]).arg(library())).stdout;
    let listed = String::from_utf8(listed).expect("names are ASCII");
    let functions = listed.lines().filter_map(|line| line.split_once(" T ").map(|(_, name)| name));
    // Rust's own are mangled; names in two underscores are the compiler's, in every program alike.
    let foreign =
        |name: &&str| !["_ZN", "_R", "__", "rust_"].iter().any(|start| name.starts_with(start));
    let exported: BTreeSet<&str> = functions.filter(foreign).collect();
    assert_eq!(exported, declared, "left: the library, right: the header");
}

/// A program that does as AFL++ does: it loads the mutator and asks it for neighbours.
const AFL: &str = r#"
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
    void *library = count == 2 ? dlopen(words[1], RTLD_NOW) : NULL;
    if (!library) return 2;
    void *(*init)(void *, unsigned) = dlsym(library, "afl_custom_init");
    size_t (*fuzz)(void *, uint8_t *, size_t, uint8_t **, uint8_t *, size_t, size_t) = dlsym(library, "afl_custom_fuzz");
    void (*deinit)(void *) = dlsym(library, "afl_custom_deinit");
    if (!init || !fuzz || !deinit) return 3;
    uint8_t in[64] = "INVITE sip:mt@example.com SIP/2.0", kept[64], other[8] = "SIP/2.0";
    memcpy(kept, in, sizeof in);
    void *state = init(NULL, 7);
    int changed = 0;
    for (int round = 0; round < 2000; round++) {
        uint8_t *out = NULL;
        size_t size = fuzz(state, in, sizeof in, &out, other, sizeof other, 50);
        if (!out || size > 50) return 4;
        changed += size != 50 || memcmp(out, in, size) != 0;
    }
    deinit(state);
    printf("%d changed\n", changed);
    /* What AFL++ lends stays as it is. */
    return memcmp(kept, in, sizeof in) == 0 ? 0 : 5;
}
"#;

#[test]
fn the_mutator_loads_as_afl_loads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let shared = folder.path().join("mutator.so");
    run(Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-I"])
        .arg(here("include"))
        .arg(here("examples/afl/mutator.c"))
        .arg(library())
        .args(LIBRARIES)
        .arg("-o")
        .arg(&shared));
    let (source, program) = (folder.path().join("afl.c"), folder.path().join("afl"));
    fs::write(&source, AFL).expect("it can be written");
    run(Command::new("cc").arg(&source).arg("-ldl").arg("-o").arg(&program));
    let said = run(Command::new(&program).arg(&shared).env("ROAMPROOF_FAMILY", "sip")).stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let changed: u32 = said.split(' ').next().and_then(|word| word.parse().ok()).expect("a number");
    // Some edits of so short a message are cut off again.
    assert!(changed > 1000, "{said}");
}
