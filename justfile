# What people do here. The same commands run in .ci/run.

# Start the whole system.
dev *args:
    cargo run -- dev {{args}}

# Format, lint, test: before every commit.
check: fmt lint test

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny check bans licenses sources

test:
    cargo test --workspace

# On real Kafka, PostgreSQL and MariaDB, a process for each service: conformance, scenarios, faults.
e2e:
    compose/with kafka postgres mariadb -- .ci/servers

# What is promised while processes, brokers and databases die: all of it, some ten minutes.
faults:
    compose/with kafka postgres -- cargo test -p e2e --test faults -- --test-threads=1

# Write generated files anew (schemas, AsyncAPI, OpenAPI, diagram, configuration reference).
bless:
    UZON_BLESS=1 cargo test -p events -p uzon

# Measure: `just load --rate 100`, `just load --saturate`.
load *args:
    cargo build --release -p uzon
    cargo run --release -p e2e --bin load -- {{args}}
