# clm: one static multicall binary.
#
#   make                        build/linux-x86_64/clm and its links
#   make run [ONCE=1]           a server, an agent and five endpoints on loopback, to look at
#   make test                   all tests; make SAN=address,undefined test the same with sanitizers
#   make test-windows           cross-build and test the exe under wine
#   make bench                  speed and size beside peers, in one table
#   make check                  -Werror, layers, banned calls, formatting
#   make fuzz                   every fuzz target for FUZZ_SECONDS (an hour)
#   make soak                   what make test does in small: many hostile servers, lives of a store on a disk that fails
#   make dist                   tarball, deb, rpm, zip and installer in build/dist; test-dist tests them
#   make TARGET=windows-x86_64  the exe; TARGET=check-x86_64 a glibc build for tools
#
# The packages of others are obtained and built by lib/deps (see there).

SAN ?=
TARGET ?= $(if $(SAN),check-x86_64,linux-x86_64)
MAKEFLAGS += --no-builtin-rules -j$(shell nproc)
.DELETE_ON_ERROR:

all:

include lib/deps/deps.mk

comma := ,
B := build/$(TARGET)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
EXE := $(if $(filter windows-%,$(TARGET)),.exe)
VERSION := $(shell cat VERSION)

# ---- what there is ---------------------------------------------------------

BASE := bytes buf arena err clock text json zip crc_x86 thread env file walk process opt der ber oid ip $(if $(filter windows-%,$(TARGET)),os_win32,os_posix)
CRYPTO := hash sha_x86 aead ecdh sodium key verify rc2 pbe_kdf pbe
X509 := time name general_name details key key_file extension cert request crl deviation host pem container pkcs7 pkcs12 pkcs12_write jks path chain extension_write write
TLS := suites names hello message schedule record harvest
NET := signature loop conn resolve trust easy http smtp
MODEL := name protocol ports target unfold list target_file endpoint json_member file_facts observation confirmation summary passes certificate
PROBE := source seen host dialogue dialogue_text dialogue_xmpp dialogue_binary dialogue_tds dialogue_shown talk facts step check site files face probe
QUERY := fields pattern value parse match
EXPORT := csv cells ics checkpoint proof
NOTIFY := digest mail state
IMPORT := import csv
CA := profile match authority builtin
STORE := log/entry log/tree log/proofs log/dictionary log/columns log/columns_pack log/segment log/walk log/commit log/mark log/recover log/fetch log/table log/seal log/reader log/account log/log \
	inventory/record inventory/record_confirmation inventory/record_compaction inventory/record_request inventory/rows inventory/texts inventory/index inventory/care inventory/state inventory/state_requests inventory/cert inventory/places inventory/inventory inventory/replay inventory/read \
	inventory/agents inventory/push inventory/confirm inventory/copy inventory/where inventory/lists inventory/by_end inventory/plan inventory/signs inventory/group inventory/details inventory/ending inventory/walk \
	inventory/entries inventory/proofs inventory/requests inventory/revocations inventory/services inventory/work \
	inventory/import inventory/carriers inventory/compact \
	backup/manifest backup/copy backup/make backup/restore
WEB := http/request http/target http/head http/reader http/response http/asset http/route http/tls_server \
	http/pace http/listener http/connection http/server http/control_client \
	auth/auth auth/users auth/sessions auth/tokens auth/nonces auth/agents \
	api/rows api/digest api/routes api/reply api/openapi api/summary api/people api/certificates api/groups api/endpoints \
	api/agents api/lines api/push api/log api/import api/backup api/compact api/authority api/requests api/requests_json api/services api/work
GUI := index.html style.css icon.svg app.js api.js dom.js format.js list.js query.js keys.js login.js password.js \
	dashboard.js certificates.js certificate.js endpoints.js agents.js requests.js admin.js
APPLETS := \
	ers/ers ers/targets ers/discover ers/discover_say ers/inspect ers/inspect_show ers/inspect_text ers/inspect_look ers/inspect_chain ers/fail_on ers/password ers/agent ers/session ers/spool \
	ers/deliver ers/again ers/pushed ers/last ers/done ers/scan ers/scan_plan ers/scan_own ers/scan_watch ers/scan_news ers/scan_report ers/explain ers/explain_rules \
	ers/login ers/push ers/status ers/logout ers/requests ers/install ers/advance ers/look \
	ers/request ers/renew ers/sync \
	clm-server/clm-server clm-server/settings clm-server/identity clm-server/log_key clm-server/authority \
	clm-server/house clm-server/init clm-server/run clm-server/token clm-server/user \
	clm-server/check clm-server/checkpoint clm-server/mail clm-server/digest_rows clm-server/digest clm-server/backup clm-server/restore clm-server/import clm-server/compact \
	clm-export/clm-export clm-export/stream clm-export/table clm-export/page clm-export/head \
	clm-export/certificates clm-export/endpoints clm-export/others clm-export/coverage \
	clm-export/bundle clm-export/proof clm-export/calendar clm-export/cbom \
	clm/clm clm/install clm/man clm/completion clm/licenses

SOURCES := $(BASE:%=lib/base/%.c) $(CRYPTO:%=lib/crypto/%.c) $(X509:%=lib/x509/%.c) \
	$(TLS:%=lib/tls/%.c) $(NET:%=lib/net/%.c) $(MODEL:%=lib/model/%.c) $(PROBE:%=lib/probe/%.c) \
	$(QUERY:%=lib/query/%.c) $(EXPORT:%=lib/export/%.c) $(NOTIFY:%=lib/notify/%.c) $(IMPORT:%=lib/import/%.c) $(CA:%=lib/ca/%.c) $(STORE:%=store/%.c) $(WEB:%=web/%.c) $(APPLETS:%=applets/%.c)
OBJECTS := $(SOURCES:%.c=$(B)/%.o) $(B)/gen/gui_assets.o $(B)/gen/clm_texts.o

LINKS := ers clm-server clm-export

UNIT_TESTS := \
	notify_digest_test notify_mail_test notify_state_test \
	net_smtp_test net_signature_test net_conn_test \
	probe_source_test probe_dialogue_test probe_run_test probe_files_test \
	ers_last_test ers_pushed_test ers_requests_test ers_inspect_text_test \
	model_name_test model_ports_test model_target_test model_target_file_test \
	model_endpoint_test model_observation_test model_certificate_test \
	base_bytes_test base_text_test base_json_test base_zip_test base_file_test base_walk_test base_thread_test base_process_test \
	base_opt_test base_der_test base_ber_test base_oid_test base_ip_test \
	http_pace_test http_reader_test http_target_test http_response_test http_server_test \
	crypto_hash_test crypto_aead_test crypto_ecdh_test crypto_sodium_test crypto_key_test \
	crypto_verify_test crypto_rc2_test crypto_pbe_test \
	tls_hello_test tls_message_test tls_schedule_test tls_harvest_test \
	x509_time_test x509_name_test x509_cert_test x509_details_test x509_damage_test x509_host_test x509_pem_test x509_container_test x509_chain_test x509_path_test \
	x509_request_test x509_crl_test x509_pq_test \
	ca_profile_test ca_match_test ca_builtin_test \
	auth_users_test auth_sessions_test auth_tokens_test auth_signature_test \
	store_entry_test store_proofs_test store_log_test store_damage_test store_index_test store_read_test store_plan_test store_readers_test store_rows_test store_signs_test store_inventory_test store_requests_test \
	store_backup_test store_confirm_test store_seal_test store_columns_test store_compact_test store_retention_test import_read_test \
	api_requests_test api_lines_test api_routes_test \
	query_parse_test query_match_test \
	export_csv_test export_cells_test export_ics_test export_checkpoint_test \
	server_identity_test
FUZZ_TARGETS := \
	notify_state_fuzz \
	net_signature_fuzz \
	ers_last_fuzz ers_pushed_fuzz ers_done_fuzz ers_requests_fuzz \
	model_target_fuzz model_target_file_fuzz model_observation_fuzz \
	http_reader_fuzz \
	tls_harvest_fuzz probe_dialogue_fuzz \
	x509_cert_fuzz x509_name_fuzz x509_pem_fuzz x509_container_fuzz x509_pkcs7_fuzz x509_pkcs12_fuzz x509_jks_fuzz \
	x509_chain_fuzz x509_request_fuzz x509_crl_fuzz \
	ca_profile_fuzz \
	crypto_key_fuzz crypto_verify_fuzz \
	api_lines_fuzz \
	auth_files_fuzz \
	query_parse_fuzz export_checkpoint_fuzz \
	store_backup_fuzz import_read_fuzz \
	store_block_fuzz store_columns_fuzz store_record_fuzz
TORTURE_TESTS := store_faults server_kill_test.py store_kill.py hostile_farm.py
PEER_TESTS := \
	backup_test.py compact_test.py import_test.py \
	query_test.py checkpoint_test.py disk_full_test.py resume_test.py cron_test.py \
	request_test.py request_faults_test.py false_start_test.py try_test.py digest_test.py \
	clm_words_test.py dist_root_test.py gui_test.py house_test.py net_http_test.py scan_test.py faces_test.py news_test.py explain_test.py hostile_test.py \
	push_test.py again_test.py postquantum_test.py starttls_test.py binary_test.py discover_test.py http_test.py tls_test.py inspect_test.py inspect_chain_test.py cases_test.py \
	x509_write_test.py corpus_test.py ca_test.py server_test.py request_server_test.py export_test.py \
	files_test.py container_test.py
HOST_PEERS := corpus_openssl
BENCH := x509_read ingest
BENCH_PEERS := scan_floor peer_x509 peer_sqlite
PEER_TOOLS := quiet_agent http_get http_peer tls_probe x509_write ca_driver store_tool

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
LINK_FLAGS += -static -fstack-protector-strong -Wl,--no-insert-timestamp
endif
# -p: its strip would write the time of the day into an exe.
STRIP := $(if $(filter windows-%,$(TARGET)),x86_64-w64-mingw32-strip -p,strip)

.PRECIOUS: $(B)/%.o

all: $(B)/clm$(EXE) $(LINKS:%=$(B)/%$(EXE))

$(B)/%.o: %.c | $(DEPS_STAMP)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC       $<";)$(if $(V),set -x;) $(DEPS_CC) $(CLM_CFLAGS) -MMD -MP -c -o $@ $<

# An index is read by the build alone whose sources made it (store/inventory/index.h).
STATE_SOURCES := $(sort $(wildcard store/inventory/*.[ch] lib/x509/*.[ch] lib/model/*.[ch]))
$(B)/store/inventory/index.o: $(STATE_SOURCES)
$(B)/store/inventory/index.o: CLM_CFLAGS += \
	-DINDEX_SOURCES='"$(shell cat $(STATE_SOURCES) | sha256sum | cut -c1-32)"'

# The pages of the GUI as one C file, made by a tool that runs here.
HOSTCC ?= cc
EMBED := build/host/embed
EMBED_SOURCES := web/gui/embed.c lib/base/buf.c lib/base/bytes.c lib/base/zip.c lib/crypto/hash.c lib/crypto/sha_x86.c
EMBED_DEPS = $(addprefix build/deps/src/zlib/,adler32.c crc32.c deflate.c trees.c zutil.c inflate.c inffast.c \
	inftrees.c) $(addprefix build/deps/src/bearssl/src/,hash/md5.c hash/sha1.c hash/sha2small.c hash/sha2big.c) \
	$(wildcard build/deps/src/bearssl/src/codec/*32*.c build/deps/src/bearssl/src/codec/*64*.c)

$(EMBED): $(EMBED_SOURCES) web/gui/gui.h web/http/http.h | $(DEPS_STAMP)
	@mkdir -p $(@D)
	@$(HOSTCC) -std=gnu11 -O1 -w -ffunction-sections -Wl,--gc-sections -Ilib -I. -Ibuild/deps/src/zlib \
		-Ibuild/deps/src/bearssl/inc -Ibuild/deps/src/bearssl/src -o $@.new $(EMBED_SOURCES) $(EMBED_DEPS)
	@mv $@.new $@

$(B)/gen/gui_assets.c: $(EMBED) $(GUI:%=web/gui/%) Makefile
	@mkdir -p $(@D)
	@$(EMBED) $@ web/gui $(GUI)

# What `clm licenses` and `clm completion` print.
TEXTS := LICENSE $(DEPS_LICENSES) $(addprefix applets/clm/completion.,bash zsh fish ps1)

$(B)/gen/clm_texts.c: $(EMBED) $(TEXTS) Makefile
	@mkdir -p $(@D)
	@$(EMBED) --texts $@ $(TEXTS)

$(B)/gen/%.o: $(B)/gen/%.c web/gui/gui.h web/http/http.h applets/clm/clm.h
	@$(DEPS_CC) $(CLM_CFLAGS) -c -o $@ $<

# The Makefile too: a file added to a list may be older than the archive.
$(B)/libclm.a: $(OBJECTS) Makefile
	@rm -f $@
	@ar rcsD $@ $(OBJECTS)

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

$(B)/tests/torture/%: $(B)/tests/torture/%.o $(B)/tests/torture/disk.o $(B)/libclm.a
	@$(DEPS_CC) $(LINK_FLAGS) $(DISK:%=-Wl,--wrap=%) -o $@ $^ $(DEPS_TEST_LIBS) $(DEPS_LIBS)

# The calls that tests/torture/disk.c takes the place of: the seam for all that store/ does to
# files and memory, with nothing of it in the product.
DISK := malloc calloc realloc thread_start cond_wait cond_wait_ms cond_signal \
	uv_fs_open uv_fs_close uv_fs_read uv_fs_write uv_fs_fsync uv_fs_ftruncate uv_fs_fstat uv_fs_stat uv_fs_unlink \
	os_file_make os_dir_make os_rename os_dir_sync os_map_open os_map_close os_lock_open os_lock_close \
	dir_list store_log_open

# Peers that speak for libraries of this machine; no part of the product.
build/host/peers/%: tests/peers/%.c
	@mkdir -p $(@D)
	@$(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -o $@ $< -lcrypto

# The corpus of make test, and the certificates inside of source packages (one that the
# mirror lacks is named and left out).
CORPUS := gnutls28 openssl nss wolfssl botan mbedtls golang-1.19 bouncycastle mono samba xmlsec1 qtbase-opensource-src \
	android-platform-external-boringssl aws-crt-python libnet-ssleay-perl osslsigncode golang-github-smallstep-certificates fwupd
corpus: all $(HOST_PEERS:%=build/host/peers/%)
	@sh lib/deps/tools.sh build test
	@for p in $(CORPUS); do sh lib/deps/obtain.sh build/corpus $$p || echo "  LEFT OUT $$p"; done
	@CLM_BUILD=$(abspath $(B)) python3 tests/peers/corpus_test.py build/corpus/src/*

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
test: test-tools all unit $(if $(SAN),,build-fuzz) $(PEER_TOOLS:%=$(B)/tests/peers/%) $(HOST_PEERS:%=build/host/peers/%) $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%)
	@python3 tests/run.py --build $(B) \
		$(UNIT_TESTS:%=$(B)/tests/unit/%) $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%) \
		$(patsubst %,tests/torture/%,$(filter %.py %.sh,$(TORTURE_TESTS))) \
		$(PEER_TESTS:%=tests/peers/%) $(if $(SAN),,tests/check.py tests/fuzz.py)

# The same at full size.
SEEDS ?= 10000
soak: test-tools all $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%)
	@for t in $(TORTURE_PROGRAMS:%=$(B)/tests/torture/%); do SEEDS=$(SEEDS) $$t || exit 1; done
	@HOSTILE_N=10000 python3 tests/run.py --build $(B) tests/torture/hostile_farm.py

# Under Wine. The binary for Linux is there to be compared with.
# WINDOWS_SKIP: unit tests that make no sense there, each with its reason behind it.
WINDOWS_SKIP :=
WINDOWS := build/windows-x86_64

test-windows:
	@sh lib/deps/tools.sh build windows wine test
	@$(MAKE) --no-print-directory TARGET=linux-x86_64 all
	@$(MAKE) --no-print-directory TARGET=windows-x86_64 all unit
	@python3 tests/run.py --build $(WINDOWS) \
		$(patsubst %,$(WINDOWS)/tests/unit/%.exe,$(filter-out $(WINDOWS_SKIP),$(UNIT_TESTS))) tests/peers/windows_test.py

# Branches of the readers that all foreign input passes; 100 % are asked for. Only these
# files are compiled to be counted, without optimisation, which adds branches of its own.
COVERED := base/bytes base/der x509/time
COVERED_TESTS := base_bytes_test base_der_test x509_time_test
coverage:
	@sh lib/deps/tools.sh build coverage
	@$(MAKE) --no-print-directory TARGET=check-x86_64 coverage-report

coverage-report: all
	@rm -rf build/coverage && mkdir -p $(dir $(COVERED:%=build/coverage/lib/%))
	@for f in $(COVERED:%=lib/%); do \
		$(DEPS_CC) -std=c11 -O0 -g --coverage -Ilib -I. -c -o build/coverage/$$f.o $$f.c || exit 1; done
	@for t in $(COVERED_TESTS); do $(DEPS_CC) -std=gnu11 -O0 --coverage -Ilib -I. $(DEPS_CFLAGS) -o build/coverage/$$t tests/unit/$$t.c \
		$(COVERED:%=build/coverage/lib/%.o) $(B)/libclm.a $(DEPS_TEST_LIBS) $(DEPS_LIBS) && build/coverage/$$t 2>/dev/null || exit 1; done
	@gcovr -r . --object-directory build/coverage -f lib/ -b --fail-under-branch 100 build/coverage

# ---- how fast it is --------------------------------------------------------

# One table beside peers: BENCH_N=10000 endpoints, BENCH_ONLY="scan x509 store ingest export".
# The peers are libraries of this machine, and no part of the product.
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libclm.a
	@$(DEPS_CC) $(LINK_FLAGS) -o $@ $^ $(DEPS_LIBS)

build/host/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	@$(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -o $@ $< -Wl,--as-needed -lsqlite3 -lcrypto

bench-tools:
	@sh lib/deps/tools.sh build bench

bench: bench-tools all $(BENCH:%=$(B)/tests/bench/%) $(B)/tests/peers/store_tool $(BENCH_PEERS:%=build/host/bench/%)
	@python3 tests/bench/bench.py --build $(B) --peers build/host/bench $(BENCH_ONLY)

# ---- to look at ------------------------------------------------------------

run: all
	@sh lib/deps/tools.sh run
	@bash dist/try.sh $(B) $(ONCE)

# ---- how it reaches users --------------------------------------------------

# Into build/dist; dist/README.md tells what and how.
dist:
	@sh lib/deps/tools.sh dist
	@$(MAKE) --no-print-directory TARGET=linux-x86_64 all build/deps/linux-x86_64/licenses.txt
	@$(MAKE) --no-print-directory TARGET=windows-x86_64 all build/deps/windows-x86_64/licenses.txt
	@sh dist/make.sh

# Needs root: it installs the packages in a small Debian of its own (build/dist-test).
test-dist: dist
	@sh lib/deps/tools.sh test wine package
	@python3 tests/run.py --build build/linux-x86_64 tests/dist/packages_test.py

# ---- care ------------------------------------------------------------------

check:
	@sh lib/deps/tools.sh build test
	@$(MAKE) --no-print-directory TARGET=check-x86_64 WERROR=-Werror all unit
	@python3 tests/check.py

clean:
	rm -rf build/linux-x86_64 build/windows-x86_64 build/check-x86_64* build/dist

.PHONY: soak coverage coverage-report all dist test-dist unit run-unit corpus test test-tools test-windows check clean run bench bench-tools fuzz build-fuzz fuzz-programs

-include $(OBJECTS:.o=.d) $(B)/main.d $(UNIT_TESTS:%=$(B)/tests/unit/%.d) \
	$(FUZZ_TARGETS:%=$(B)/tests/fuzz/%.d) $(PEER_TOOLS:%=$(B)/tests/peers/%.d) \
	$(TORTURE_PROGRAMS:%=$(B)/tests/torture/%.d) $(B)/tests/torture/disk.d $(BENCH:%=$(B)/tests/bench/%.d)
