# make help tells the targets.  Variables: CC, SAN=address,undefined or
# SAN=thread, BUILD (where the output goes), V=1 (show the commands),
# DESTDIR, prefix, BENCH (what scripts/bench is given).

prefix ?= /usr/local
SAN ?=
V ?=
Q := $(if $(V),,@)
PYTHON ?= /usr/bin/python3

ifeq ($(origin CC),default)
CC := gcc
endif
empty :=
comma := ,
ifeq ($(SAN)$(filter-out gcc,$(CC)),)
BUILD ?= build
else
BUILD ?= build/$(notdir $(CC))$(if $(SAN),-$(subst $(comma),-,$(SAN)))
endif

PROGRAMS := sicher-ca sicherd sicherctl sicher sicher-bench
PACKAGES := libssl libcrypto lmdb libcbor jansson libseccomp libargon2 libdeflate \
	libconfig

probe = $(shell echo 'int main(void){return 0;}' | \
	$(CC) $(1) -Werror -x c - -o /dev/null 2>/dev/null && echo '$(1)')

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wvla -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full $(call probe,-ftrivial-auto-var-init=zero) \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fPIE
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack

ifeq ($(SAN),)
# Debian's and other builds may preset the level; ours is the one that counts.
OPT := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else
# Test builds: sanitizers, and a broken invariant of ours aborts.
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -DSN_TEST_BUILD
LINK += -fsanitize=$(SAN)
endif

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -I. $(OPT) $(HARDEN) $(WARN) \
	$(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
LIBS := $(shell pkg-config --libs $(PACKAGES)) -lpthread

sources = $(filter-out %/main.c,$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIB_A := $(BUILD)/lib.a
CA_A := $(BUILD)/ca.a
SERVER_PARTS := base gate oplog keeper net parent
SERVER_A := $(BUILD)/server.a
CTL_A := $(BUILD)/ctl.a
CLIENT_A := $(BUILD)/client.a
BENCH_A := $(BUILD)/bench.a
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))

.PHONY: all check unit lint bench bench-limit install clean help where
all: $(addprefix $(BUILD)/,$(PROGRAMS))

$(BUILD)/sicher-ca: $(call objects,ca/main.c) $(CA_A) $(LIB_A)
$(BUILD)/sicherd: $(call objects,server/main.c) $(SERVER_A) $(LIB_A)
$(BUILD)/sicherctl: $(call objects,server/ctl/main.c) $(CTL_A) $(LIB_A)
$(BUILD)/sicher: $(call objects,client/main.c) $(CLIENT_A) $(LIB_A)
$(BUILD)/sicher: LIBS += $(shell pkg-config --libs ncursesw)
$(BUILD)/sicher-bench: $(call objects,bench/main.c) $(BENCH_A) $(LIB_A)
$(addprefix $(BUILD)/,$(PROGRAMS)):
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS)

$(LIB_A): $(call objects,$(call sources,lib))
$(CA_A): $(call objects,$(call sources,ca))
$(SERVER_A): $(foreach part,$(SERVER_PARTS),\
	$(call objects,$(call sources,server/$(part))))
$(CTL_A): $(call objects,$(call sources,server/ctl))
$(CLIENT_A): $(call objects,$(call sources,client))
$(BENCH_A): $(call objects,$(call sources,bench))
$(LIB_A) $(CA_A) $(SERVER_A) $(CTL_A) $(CLIENT_A) $(BENCH_A):
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Objects are made again when the flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS_ALL)' | cmp -s - $@ || \
		echo '$(CC) $(CFLAGS_ALL)' > $@
.PHONY: FORCE
FORCE:

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(SERVER_A) $(CA_A) \
		$(CLIENT_A) $(CTL_A) $(BENCH_A) $(LIB_A)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS) -lcmocka

# What the end-to-end tests and the measurements use beside the programs.
TOOL_SOURCES := $(wildcard tests/e2e/*.c tests/bench/*.c)
TOOLS := $(patsubst tests/%.c,$(BUILD)/%,$(TOOL_SOURCES))
$(TOOLS): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(SERVER_A) $(LIB_A)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS)

unit: $(UNIT_TESTS) $(TOOLS)

check: all unit
	BUILD=$(BUILD) PYTHON=$(PYTHON) scripts/check

lint:
	scripts/lint

bench: all $(TOOLS)
	BUILD=$(BUILD) PYTHON=$(PYTHON) scripts/bench $(BENCH)

bench-limit: all $(TOOLS)
	BUILD=$(BUILD) PYTHON=$(PYTHON) scripts/bench limit $(BENCH)

# Units bear the place of the programs.
install: all
	install -d $(addprefix $(DESTDIR)$(prefix)/,bin sbin lib/sysusers.d \
		lib/systemd/system share/man/man1 share/man/man5 share/man/man8 \
		share/doc/sichernetz/docs share/doc/sichernetz/conf)
	install -m 755 $(BUILD)/sicher $(BUILD)/sicher-ca \
		$(BUILD)/sicher-bench $(DESTDIR)$(prefix)/bin
	install -m 755 $(BUILD)/sicherd $(BUILD)/sicherctl \
		$(DESTDIR)$(prefix)/sbin
	for m in docs/*.[158]; do \
		install -m 644 $$m \
		    $(DESTDIR)$(prefix)/share/man/man$${m##*.} || exit 1; done
	install -m 644 README.md $(DESTDIR)$(prefix)/share/doc/sichernetz
	install -m 644 docs/*.md docs/*.[158] \
		$(DESTDIR)$(prefix)/share/doc/sichernetz/docs
	install -m 644 conf/*.conf $(DESTDIR)$(prefix)/share/doc/sichernetz/conf
	for u in conf/*.service conf/*.timer; do \
		sed 's|@prefix@|$(prefix)|g' $$u \
		    >$(DESTDIR)$(prefix)/lib/systemd/system/$${u#*/} && \
		chmod 644 $(DESTDIR)$(prefix)/lib/systemd/system/$${u#*/} || \
		    exit 1; done
	install -m 644 conf/sichernetz.sysusers \
		$(DESTDIR)$(prefix)/lib/sysusers.d/sichernetz.conf

clean:
	rm -rf build

where:
	@echo $(BUILD)

help:
	@echo 'all      the five programs, in $(BUILD)/'
	@echo 'check    every test (needs what scripts/test installs)'
	@echo 'unit     the unit tests, built but not run'
	@echo 'lint     formatting, static checks, documents, house rules'
	@echo 'bench    sicherd beside other servers, on this machine'
	@echo 'bench-limit  sicherd beside the limits of this machine'
	@echo 'install  to $$DESTDIR$$prefix (now $(DESTDIR)$(prefix))'
	@echo 'clean    removes build/'
	@echo 'where    says in which folder the output goes'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
