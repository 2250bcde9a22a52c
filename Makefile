# Everything that people do with the tree. `make` alone lists it.

PREFIX ?= /usr/local
bindir = $(PREFIX)/bin
# Where systemd looks for user units, for PREFIX=$HOME/.local as for /usr/local and /usr.
unitdir = $(PREFIX)/share/systemd/user

# Outside the tree, and the same for every checkout of it.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lenscap/target

.DEFAULT_GOAL := help
.PHONY: help run check bench soak install uninstall

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: ## Build Lenscap and start it; options go in ARGS="--source test"
	@tests/prepare run
	cargo run --release --locked -- $(ARGS)

# The guests' parts are made before the tests, so that no time limit of a test pays for them. Where a machine can't,
# setup says so in one line, and the tests that need a guest pass.
check: ## Run every check, with the applet in real kernels
	@tests/prepare
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tests/validate
	@tests/vm/setup || true
	cargo build --release --locked --workspace
	cargo nextest run --workspace --locked --no-fail-fast

bench: ## Measure Lenscap in a guest, beside what else there is
	@tests/prepare
	tests/vm/play -c Nehalem bench

soak: ## Play the guests' long forms, which take hours
	@tests/prepare
	LENSCAP_SOAK=1 cargo nextest run --locked --profile soak

# Built as whoever calls; SUDO=sudo is for the copying alone.
install: ## Install below PREFIX (/usr/local), with SUDO=sudo if need be
	@tests/prepare run
	cargo build --release --locked
	$(SUDO) install -D -m 755 $(CARGO_TARGET_DIR)/release/lenscap $(DESTDIR)$(bindir)/lenscap
	sed 's|/usr/local/bin|$(bindir)|' data/lenscap.service | \
		$(SUDO) install -D -m 644 /dev/stdin $(DESTDIR)$(unitdir)/lenscap.service

uninstall: ## Remove what install put there; config and units that are enabled stay
	$(SUDO) rm -f $(DESTDIR)$(bindir)/lenscap $(DESTDIR)$(unitdir)/lenscap.service
