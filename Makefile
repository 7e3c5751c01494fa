# demo   sample data in, everything running, a report, then serves    (ARGS=--report-only ends after the report)
# test   all tests, with nothing prepared
# lint   format, lints (the Dockerfile's too), floors, links, what Souk is built of
# sbom   the list of what the binary is built of, in target/souk.cdx.json
# eval   accuracy on the development data, where it lies beside the project
# bench  benchmarks;  bench-check compares them with the last accepted commit, in pairs
# soak   the long forms of crash, load and accuracy checks
# models weights of the models of meaning in search into .cache/models
.PHONY: models demo test eval bench bench-check soak lint sbom

demo:
	@scripts/require.sh rust cc python
	@scripts/sample-data.sh >/dev/null
	cargo run --release --package souk -- demo --sample "$$(scripts/sample-data.sh)" $(ARGS)

models:
	@scripts/require.sh python
	@scripts/models.sh

test:
	@scripts/require.sh rust cc python node
	scripts/test.sh

lint:
	@scripts/require.sh rust cc python
	cargo fmt --all --check
	cargo xtask tidy
	cargo clippy --workspace --all-targets -- -D warnings
	scripts/lint-dockerfile.sh
	scripts/deny.sh

sbom:
	cargo xtask sbom

eval:
	@scripts/require.sh rust cc python
	scripts/eval.sh

bench:
	cargo bench --workspace

bench-check:
	python3 bench/check.py

soak:
	scripts/soak.sh
