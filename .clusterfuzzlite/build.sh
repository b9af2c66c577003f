#!/usr/bin/env bash
# Builds fuzz targets into $OUT, each with its seed corpus and, where its family has one, its dictionary. ClusterFuzzLite and
# OSS-Fuzz set SRC, OUT, SANITIZER and their compilers' flags; TARGETS, a list of names, limits what is built.
set -euo pipefail
cd "${SRC:?the folder above the sources}/roamproof"
mkdir -p "${OUT:?where targets go}"

refuse() { echo "build.sh: $*" >&2; exit 2; }

engine=${FUZZING_ENGINE:-libfuzzer}
[ "$engine" = libfuzzer ] || refuse "FUZZING_ENGINE=$engine: the targets call libFuzzer's own mutations, so it has to be libfuzzer"
case ${SANITIZER:-address} in
    address) sanitizer=address ;;
    none) sanitizer=none ;;
    # In their image `cargo fuzz` is a wrapper that measures coverage; elsewhere the flag does.
    coverage) sanitizer=none; [[ ${RUSTFLAGS:-} = *instrument-coverage* ]] || export RUSTFLAGS="${RUSTFLAGS:-} -Cinstrument-coverage" ;;
    *) refuse "SANITIZER=$SANITIZER: Rust has address, coverage and none" ;;
esac

# Their image asks rustup for a compiler older than this workspace wants: rust-toolchain.toml names the right one, and with
# RUSTC_BOOTSTRAP it takes the flags of sanitizers.
unset RUSTUP_TOOLCHAIN
export RUSTC_BOOTSTRAP=1
# libFuzzer itself, which the flags of rustc would instrument too, is not what is looked into.
export CXXFLAGS="${CXXFLAGS:-} -fno-sanitize=all"

build() { cargo fuzz build --fuzz-dir fuzz --release --debug-assertions --sanitizer "$sanitizer" "$@"; }

if [ -n "${TARGETS:-}" ]; then
    for target in $TARGETS; do build "$target"; done
else
    build
fi
# What has no corpus is no target: it is there to be measured against.
targets=${TARGETS:-$(ls fuzz/corpus)}
built=$(cargo metadata --format-version=1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
triple=$(rustc -vV | sed -n 's/^host: //p')
for target in $targets; do
    cp "$built/$triple/release/$target" "$OUT/$target"
    dictionary=fuzz/dictionaries/$target.dict
    [ ! -e "$dictionary" ] || cp "$dictionary" "$OUT/$target.dict"
done
python3 - $targets <<'PYTHON'
import os, sys, zipfile
for target in sys.argv[1:]:
    folder = os.path.join("fuzz/corpus", target)
    with zipfile.ZipFile(os.path.join(os.environ["OUT"], target + "_seed_corpus.zip"), "w", zipfile.ZIP_DEFLATED) as corpus:
        for name in sorted(os.listdir(folder)):
            corpus.write(os.path.join(folder, name), name)
PYTHON
