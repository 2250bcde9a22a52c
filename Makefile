# Everything that people do with the tree. `make` alone lists it.

# What is installed lies where systemd, D-Bus and the desktop look, for /usr/local, /usr and $HOME/.local alike.
PREFIX ?= /usr/local

# Outside the tree, and the same for every checkout of it.
cache = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lenscap
export CARGO_TARGET_DIR ?= $(cache)/target

.DEFAULT_GOAL := help
.PHONY: help run test machines check bench soak desktops install install-system uninstall uninstall-system deb

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# On a machine without a session (a server, a container) there is nobody to see a tray: the main job is shown instead.
run: ## Build Lenscap and start it; options go in ARGS="--source test"
	@tests/prepare run
	cargo build --release --locked
	@if [ -n "$$DBUS_SESSION_BUS_ADDRESS" ] || [ -S "$${XDG_RUNTIME_DIR:-/}/bus" ]; then \
		exec $(CARGO_TARGET_DIR)/release/lenscap $(ARGS); fi; \
	tests/prepare demo && exec tests/demo $(CARGO_TARGET_DIR)/release/lenscap $(ARGS)

# How setup says that this machine can't; with LENSCAP_STRICT=1 it fails instead.
left_out = [ $$? = 77 ]
machine_tests = binary(vm) + binary(desktops)

test machines: export LC_ALL = C.UTF-8
test: ## Run every check that needs no machine of its own
	@tests/prepare
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tests/validate
	cargo build --release --locked
	tests/install
	tests/flatpak
	tests/deb/check
	cargo nextest run --workspace --locked --no-fail-fast -E 'not ($(machine_tests))'

# The guests' and desktops' parts are made before the tests, so that no time limit of a test pays for them. Where a
# machine can't, setup says so in one line, and the tests that need them pass.
machines: ## Test the applet in real kernels, and its package in Xfce
	@tests/prepare
	@tests/vm/setup || $(left_out)
	cargo build --release --locked
	cargo build --release --locked --package lenscap-guest
	@for layer in base xfce bookworm trixie; do tests/desktops/setup $$layer >/dev/null || $(left_out) || exit; done
	cargo nextest run --workspace --locked --no-fail-fast -E '$(machine_tests)'

check: test machines ## Run both

bench: ## Measure Lenscap, in PipeWire and in a guest, beside what else there is
	@tests/prepare
	cargo bench --quiet --locked --bench pipewire
	cargo build --release --locked --package lenscap-preferences --bins --examples
	/usr/bin/python3 -B -W ignore tests/preferences/start.py $(CARGO_TARGET_DIR)/release/lenscap-preferences \
		$(CARGO_TARGET_DIR)/release/examples/empty-window
	tests/vm/play -c Nehalem bench

soak: ## Play the long forms of guests and of random tests, which take hours
	@tests/prepare
	LENSCAP_SOAK=1 PROPTEST_CASES=200000 cargo nextest run --workspace --locked --profile soak

# Screenshots of every desktop are left below $(CARGO_TARGET_DIR)/tmp/desktops.
desktops: ## Play Lenscap on Xfce, sway, Plasma and GNOME, with real applications
	@tests/prepare
	@for layer in base xfce bookworm trixie sway plasma gnome sid; do tests/desktops/setup $$layer >/dev/null || $(left_out) || exit; done
	cargo nextest run --locked --no-fail-fast --profile desktops --run-ignored all

# What install copies, as it will lie below PREFIX.
stage = $(CARGO_TARGET_DIR)/stage
binaries = lenscap lenscap-preferences
desktop = io.github.lenscap.Lenscap.desktop io.github.lenscap.Lenscap.Preferences.desktop
metainfo = io.github.lenscap.Lenscap.metainfo.xml
dbus = io.github.lenscap.Lenscap.service
unit = lenscap.service
icons = $(shell cd data && find icons -type f 2>/dev/null)
languages = $(shell cat po/LINGUAS)
# Made by data/manual.
commands = run status pause resume quit preferences devices doctor
manual = $(patsubst %,share/man/man1/%.1,lenscap $(commands:%=lenscap-%)) \
	$(binaries:%=share/bash-completion/completions/%) $(binaries:%=share/fish/vendor_completions.d/%.fish) \
	$(binaries:%=share/zsh/site-functions/_%)
installed = $(binaries:%=bin/%) $(desktop:%=share/applications/%) share/metainfo/$(metainfo) \
	share/dbus-1/services/$(dbus) share/systemd/user/$(unit) $(icons:%=share/%) \
	$(languages:%=share/locale/%/LC_MESSAGES/lenscap.mo) $(manual)

# Built as whoever calls; SUDO=sudo is for the copying alone.
install: ## Install below PREFIX (/usr/local), with SUDO=sudo if need be
	@tests/prepare run
	cargo build --release --locked
	rm -rf $(stage)
	mkdir -p $(addprefix $(stage)/,$(sort $(dir $(installed))))
	cp $(binaries:%=$(CARGO_TARGET_DIR)/release/%) $(stage)/bin
	for file in $(desktop); do \
		msgfmt --desktop --template=data/$$file -d po -o $(stage)/share/applications/$$file || exit; done
	msgfmt --xml --template=data/$(metainfo) -d po -o $(stage)/share/metainfo/$(metainfo)
	for language in $(languages); do \
		msgfmt -o $(stage)/share/locale/$$language/LC_MESSAGES/lenscap.mo po/$$language.po || exit; done
	for file in $(icons); do cp data/$$file $(stage)/share/$$file || exit; done
	$(CARGO_TARGET_DIR)/release/manual $(stage)/share
	sed 's|/usr/local/bin|$(PREFIX)/bin|' data/$(dbus) >$(stage)/share/dbus-1/services/$(dbus)
	sed 's|/usr/local/bin|$(PREFIX)/bin|' data/$(unit) >$(stage)/share/systemd/user/$(unit)
	for file in $(installed); do \
		mode=644; [ -x $(stage)/$$file ] && mode=755; \
		$(SUDO) install -D -m $$mode $(stage)/$$file $(DESTDIR)$(PREFIX)/$$file || exit; done
	$(if $(whole_machine),$(MAKE) --no-print-directory install-system)

uninstall: ## Remove what install put there; config and units that are enabled stay
	$(SUDO) rm -f $(addprefix $(DESTDIR)$(PREFIX)/,$(installed))
	$(if $(whole_machine),$(MAKE) --no-print-directory uninstall-system)

# The helper that polkit starts, and what polkit, modprobe, systemd and udev read. None of them looks below a home directory.
whole_machine = $(filter /usr /usr/local,$(PREFIX))
fix_page = share/man/man8/lenscap-fix.8
policy = io.github.lenscap.Lenscap.policy
polkitdir = /usr/share/polkit-1/actions
system_files = modprobe.d/lenscap.conf modules-load.d/lenscap.conf udev/rules.d/72-lenscap.rules

install-system:
	$(SUDO) install -D -m 755 $(CARGO_TARGET_DIR)/release/lenscap-fix $(DESTDIR)$(PREFIX)/libexec/lenscap-fix
	$(SUDO) install -D -m 644 $(stage)/$(fix_page) $(DESTDIR)$(PREFIX)/$(fix_page)
	sed 's|/usr/local/libexec|$(PREFIX)/libexec|' data/$(policy) | \
		$(SUDO) install -D -m 644 /dev/stdin $(DESTDIR)$(polkitdir)/$(policy)
	for file in $(system_files); do \
		$(SUDO) install -D -m 644 data/$$file $(DESTDIR)$(PREFIX)/lib/$$file || exit; done

uninstall-system:
	$(SUDO) rm -f $(DESTDIR)$(PREFIX)/libexec/lenscap-fix $(DESTDIR)$(PREFIX)/$(fix_page) \
		$(DESTDIR)$(polkitdir)/$(policy) \
		$(addprefix $(DESTDIR)$(PREFIX)/lib/,$(system_files))

# What cargo-deb knows as target/release/debian. Debian alone keeps zsh's completions of packages elsewhere.
package = $(CARGO_TARGET_DIR)/release/debian

deb: ## Build a Debian package of what install would put below /usr
	@tests/prepare deb
	rm -rf $(package)
	$(MAKE) --no-print-directory install PREFIX=/usr DESTDIR=$(package) SUDO=
	mv $(package)/usr/share/zsh/site-functions $(package)/usr/share/zsh/vendor-completions
	gzip -9nr $(package)/usr/share/man
	PATH=$(cache)/tools/bin:$$PATH cargo deb --no-build --locked $(DEB_OPTIONS)
