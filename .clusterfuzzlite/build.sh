#!/usr/bin/env bash
# Builds every fuzz target into $OUT, each with its seed corpus and, where its family has one, its dictionary.
# ClusterFuzzLite and OSS-Fuzz set SRC, OUT and the flags of their engine. TARGETS limits what is built.
set -euo pipefail
cd "${SRC:?the folder above the sources}/roamproof"
mkdir -p "${OUT:?where targets go}"
export RUSTC_BOOTSTRAP=1

targets=${TARGETS:-$(cargo run --quiet -p roamproof-fuzz --example targets -- list)}
for target in $targets; do
    cargo fuzz build --fuzz-dir fuzz --release "$target"
done
built=$(cargo metadata --format-version=1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
triple=$(rustc -vV | sed -n 's/^host: //p')
for target in $targets; do
    cp "$built/$triple/release/$target" "$OUT/$target"
    python3 - "fuzz/corpus/$target" "$OUT/${target}_seed_corpus.zip" <<'PYTHON'
import os, sys, zipfile
folder, archive = sys.argv[1:]
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as corpus:
    for name in sorted(os.listdir(folder)):
        corpus.write(os.path.join(folder, name), name)
PYTHON
    cargo run --quiet -p roamproof-fuzz --example targets -- dictionary "$target" >"$OUT/$target.dict"
    [ -s "$OUT/$target.dict" ] || rm "$OUT/$target.dict"
done
