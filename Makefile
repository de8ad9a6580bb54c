# clm: one static multicall binary.
#
#   make                        build/linux-x86_64/clm and its links
#   make run [ONCE=1]           a server, an agent and five endpoints on loopback, to look at
#   make test                   all tests; make SAN=address,undefined test the same with sanitizers
#   make test-windows           cross-build and test the exe under wine
#   make check                  -Werror, layers, banned calls, formatting
#   make fuzz                   every fuzz target for FUZZ_SECONDS (an hour)
#   make TARGET=windows-x86_64  the exe; TARGET=check-x86_64 a glibc build for tools
#
# The packages of others are obtained and built by lib/deps (see there).

SAN ?=
TARGET ?= $(if $(SAN),check-x86_64,linux-x86_64)
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

all:

include lib/deps/deps.mk

comma := ,
B := build/$(TARGET)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
EXE := $(if $(filter windows-%,$(TARGET)),.exe)
VERSION := $(shell cat VERSION)

# ---- what there is ---------------------------------------------------------

BASE := bytes buf arena err clock text json zip thread env file opt $(if $(filter windows-%,$(TARGET)),os_win32,os_posix)
CRYPTO :=
X509 :=
TLS :=
NET :=
MODEL :=
PROBE :=
EXPORT :=
STORE :=
WEB :=
APPLETS :=

SOURCES := $(BASE:%=lib/base/%.c) $(CRYPTO:%=lib/crypto/%.c) $(X509:%=lib/x509/%.c) \
	$(TLS:%=lib/tls/%.c) $(NET:%=lib/net/%.c) $(MODEL:%=lib/model/%.c) $(PROBE:%=lib/probe/%.c) \
	$(EXPORT:%=lib/export/%.c) $(STORE:%=store/%.c) $(WEB:%=web/%.c) $(APPLETS:%=applets/%.c)
OBJECTS := $(SOURCES:%.c=$(B)/%.o)

LINKS := ers clm-server clm-export

UNIT_TESTS := base_bytes_test base_text_test base_json_test base_zip_test base_file_test base_opt_test
FUZZ_TARGETS :=
TORTURE_TESTS :=
PEER_TESTS :=
PEER_TOOLS :=

# ---- how it is compiled ----------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Wcast-qual -Wundef -Wwrite-strings -Wimplicit-fallthrough
OPTIMISE := $(if $(SAN),-O1 -g -fno-omit-frame-pointer,-O2 -ffunction-sections -fdata-sections)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
CLM_CFLAGS = -std=c11 $(WARNINGS) $(WERROR) $(OPTIMISE) $(SANITIZE) -fstack-protector-strong \
	-ffile-prefix-map=$(CURDIR)=. -DCLM_VERSION='"$(VERSION)"' -DCLM_TARGET='"$(TARGET)"' \
	-Ilib -I. $(DEPS_CFLAGS)
LINK_FLAGS := $(SANITIZE) $(if $(SAN),,-Wl,--gc-sections)
ifeq ($(TARGET),linux-x86_64)
LINK_FLAGS += -static -Wl,-z,relro,-z,now,-z,noexecstack
endif
ifneq ($(TARGET),windows-x86_64)
CLM_CFLAGS += -D_POSIX_C_SOURCE=200809L
else
CLM_CFLAGS += -D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0602
LINK_FLAGS += -static -Wl,--no-insert-timestamp
endif
STRIP := $(if $(filter windows-%,$(TARGET)),x86_64-w64-mingw32-strip,strip)

all: $(B)/clm$(EXE) $(LINKS:%=$(B)/%$(EXE))

$(B)/%.o: %.c | $(DEPS_STAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC       $<";)$(if $(V),set -x;) $(DEPS_CC) $(CLM_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libclm.a: $(OBJECTS)
	@rm -f $@
	@ar rcsD $@ $^

# The symbols stay beside it for debuggers; what is copied to hosts is stripped.
$(B)/clm$(EXE): $(B)/main.o $(B)/libclm.a
	@echo "  LINK     $@"
	@$(DEPS_CC) $(LINK_FLAGS) -o $@.debug $^ $(DEPS_LIBS)
	@$(if $(SAN),cp $@.debug $@,$(STRIP) -o $@ $@.debug)

$(LINKS:%=$(B)/%$(EXE)): $(B)/clm$(EXE)
	@$(if $(EXE),cp,ln -sfn) $(if $(EXE),$<,clm) $@

# ---- tests -----------------------------------------------------------------

unit: $(UNIT_TESTS:%=$(B)/tests/unit/%$(EXE))

$(B)/tests/unit/%$(EXE): $(B)/tests/unit/%.o $(B)/libclm.a
	@$(DEPS_CC) $(LINK_FLAGS) -o $@ $^ $(DEPS_TEST_LIBS) $(DEPS_LIBS)

$(B)/tests/peers/%: $(B)/tests/peers/%.o $(B)/libclm.a
	@$(DEPS_CC) $(LINK_FLAGS) -o $@ $^ $(DEPS_LIBS)

$(B)/tests/torture/%: $(B)/tests/torture/%.o $(B)/libclm.a
	@$(DEPS_CC) $(LINK_FLAGS) -o $@ $^ $(DEPS_TEST_LIBS) $(DEPS_LIBS)

run-unit: $(B)/tests/unit/$(T)$(EXE)
	$<

# Fuzz targets are built by clang in a folder of their own.
FUZZ_SAN := fuzzer-no-link,address,undefined
FUZZ_SECONDS ?= 3600
fuzz-programs: $(FUZZ_TARGETS:%=$(B)/tests/fuzz/%)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libclm.a
	@$(DEPS_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(DEPS_LIBS)

build-fuzz: | $(DEPS_STAMP)
	@sh lib/deps/tools.sh fuzz
	@$(MAKE) --no-print-directory TARGET=check-x86_64 SAN=$(FUZZ_SAN) CC=clang fuzz-programs

fuzz: build-fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) python3 tests/fuzz.py

test-tools: | $(DEPS_STAMP)
	@sh lib/deps/tools.sh build test gui

TORTURE_PROGRAMS := $(filter-out %.py %.sh,$(TORTURE_TESTS))
test: test-tools all unit $(if $(SAN),,build-fuzz) $(PEER_TOOLS:%=$(B)/tests/peers/%) $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%)
	@python3 tests/run.py --build $(B) \
		$(UNIT_TESTS:%=$(B)/tests/unit/%) $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%) \
		$(patsubst %,tests/torture/%,$(filter %.py %.sh,$(TORTURE_TESTS))) \
		$(PEER_TESTS:%=tests/peers/%) $(if $(SAN),,tests/fuzz.py)

# ---- care ------------------------------------------------------------------

check:
	@$(MAKE) --no-print-directory TARGET=check-x86_64 WERROR=-Werror all unit
	@python3 tests/check.py

clean:
	rm -rf build/linux-x86_64 build/windows-x86_64 build/check-x86_64*

.PHONY: all unit run-unit test test-tools test-windows check clean run bench fuzz build-fuzz fuzz-programs

-include $(OBJECTS:.o=.d) $(B)/main.d $(UNIT_TESTS:%=$(B)/tests/unit/%.d)
