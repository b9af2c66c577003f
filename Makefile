# Two commands: `make demo` shows the claimed call, `make test` passes the tests. Both set themselves up.

.PHONY: demo test check fmt help

help:
	@echo "make demo   set up what is missing, then run the claimed call and judge it (no root needed)"
	@echo "make test   set up what is missing, then run every test"
	@echo "make check  rustfmt and clippy, as continuous integration does"

demo:
	@tools/set-up demo
	cargo run -- demo $(ARGS)

test:
	@tools/set-up test
	cargo test --workspace --features misdeeds $(ARGS)

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features misdeeds -- -D warnings

fmt:
	cargo fmt --all
