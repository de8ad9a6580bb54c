# Foreign packages: obtained once, built for each target into static libraries
# under build/deps/TARGET/{include,lib}. Included by the top Makefile, which
# sets TARGET before:
#
#   linux-x86_64    musl, for static binaries
#   windows-x86_64  mingw-w64
#   check-x86_64    glibc, for sanitizers, fuzzing and coverage
#
# What it gives:
#
#   DEPS_STAMP      a file: depend on it and all packages are there
#   DEPS_CC         the compiler driver that compiles and links for TARGET
#   DEPS_CFLAGS     where the headers are, and macros they want
#   DEPS_LIBS       libraries in link order, those of the system last
#   DEPS_TEST_LIBS  cmocka
#   DEPS_LICENSES   a file: the licence texts of what a binary contains
#
# Versions, features and options of a package are the same on all targets; a
# line here that depends on TARGET is about its system alone. No package runs
# its configure script: they take minutes, and what they would find is known
# (config/). Each package has its own stamp, so `make -j` builds them at once.

deps_goal := $(.DEFAULT_GOAL)

DEPS_TARGETS := linux-x86_64 windows-x86_64 check-x86_64
ifeq ($(filter $(DEPS_TARGETS),$(TARGET)),)
$(error TARGET is "$(TARGET)", not one of $(DEPS_TARGETS))
endif

deps_here := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
deps_src := build/deps/src
deps_dir := build/deps/$(TARGET)
deps_stamps := $(deps_dir)/stamp

# ---- what a target is ------------------------------------------------------

deps_tools := build
deps_system_flags := -fPIC -fstack-protector-strong
deps_system_libs := -lpthread
deps_ar := ar

ifeq ($(TARGET),linux-x86_64)
deps_cc := musl-gcc
DEPS_CC := musl-gcc
deps_kernel := $(deps_dir)/kernel
endif

ifeq ($(TARGET),windows-x86_64)
deps_tools += windows
deps_cc := x86_64-w64-mingw32-gcc
DEPS_CC := $(deps_cc)
deps_ar := x86_64-w64-mingw32-ar
deps_system_flags := -D_WIN32_WINNT=0x0602 -DWIN32_LEAN_AND_MEAN
deps_system_libs := -lws2_32 -liphlpapi -lpsapi -luserenv -luser32 -ladvapi32 -lcrypt32 -lbcrypt
endif

# Packages for check are always built by gcc; the code that is linked with
# them by any CC.
ifeq ($(TARGET),check-x86_64)
deps_cc := gcc
DEPS_CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
deps_system_flags += -g -fno-omit-frame-pointer
endif

deps_kernel_flags := $(if $(deps_kernel),-isystem $(deps_kernel))
deps_flags := -std=gnu11 -O2 -w -ffunction-sections -fdata-sections \
	-ffile-prefix-map=$(CURDIR)=. -DNDEBUG $(deps_system_flags) $(deps_kernel_flags)

deps_static := -DCURL_STATICLIB -DCARES_STATICLIB -DSODIUM_STATIC
DEPS_CFLAGS := -isystem $(deps_dir)/include $(deps_kernel_flags) $(deps_static)
DEPS_LIBS := $(patsubst %,$(deps_dir)/lib/lib%.a,curl cares bearssl z uv sodium picohttpparser) \
	$(deps_system_libs)
DEPS_TEST_LIBS := $(deps_dir)/lib/libcmocka.a
DEPS_STAMP := $(deps_stamps)/all
DEPS_LICENSES := $(deps_dir)/licenses.txt

# ---- rules -----------------------------------------------------------------

deps_packages := bearssl zlib curl libuv1 libsodium c-ares picohttpparser cmocka jsmn

$(DEPS_STAMP): $(deps_packages:%=$(deps_stamps)/%)
	@touch $@

$(DEPS_LICENSES): $(deps_here)/licenses.sh $(DEPS_STAMP)
	@sh $< $@ $(TARGET)

$(deps_stamps)/tools: $(deps_here)/tools.sh
	@sh $< $(deps_tools)
	@mkdir -p $(@D) && touch $@

$(deps_src)/obtained: $(deps_here)/obtain.sh | $(deps_stamps)/tools
	@sh $<
	@touch $@

# musl-gcc sees no headers of the kernel: give it these and nothing of glibc.
$(deps_stamps)/kernel: $(deps_here)/deps.mk | $(deps_stamps)/tools
	@mkdir -p $(deps_dir)/kernel
	@ln -sfn /usr/include/linux $(deps_dir)/kernel/linux
	@ln -sfn /usr/include/asm-generic $(deps_dir)/kernel/asm-generic
	@ln -sfn /usr/include/x86_64-linux-gnu/asm $(deps_dir)/kernel/asm
	@touch $@

$(deps_packages:%=$(deps_stamps)/%): $(deps_src)/obtained $(deps_here)/deps.mk $(deps_here)/archive.mk \
	$(wildcard $(deps_here)/config/*.h) $(if $(deps_kernel),$(deps_stamps)/kernel)

# $(call deps_build,library,source folder,files,flags): one static library.
define deps_build
@echo "  DEPS     $(@F) ($(TARGET))"
@rm -rf $(deps_dir)/obj/$(@F) && mkdir -p $(deps_dir)/include
+@$(MAKE) --no-print-directory -f $(deps_here)/archive.mk archive=$(deps_dir)/lib/lib$(1).a \
	objects=$(deps_dir)/obj/$(@F) source=$(deps_src)/$(2) files="$(3)" \
	cc=$(deps_cc) ar=$(deps_ar) flags='$(deps_flags) $(4)'
@rm -rf $(deps_dir)/obj/$(@F)
endef

# $(call deps_headers,files below the sources,folder below include)
define deps_headers
@mkdir -p $(deps_dir)/include/$(2)
@cp $(addprefix $(deps_src)/,$(1)) $(deps_dir)/include/$(2)
endef

# ---- BearSSL: all of it, as its own Makefile would -------------------------
# Its random numbers come from the kernel. By itself it takes the processor's
# alone (RDRAND) wherever there is one.

deps_bearssl_flags := -DBR_RDRAND=0 -I$(deps_src)/bearssl/inc -I$(deps_src)/bearssl/src

$(deps_stamps)/bearssl:
	$(call deps_build,bearssl,bearssl/src,*.c */*.c,$(deps_bearssl_flags))
	$(call deps_headers,bearssl/inc/*.h)
	@touch $@

# ---- zlib: without the gz* file functions ----------------------------------

deps_zlib_files := adler32.c compress.c crc32.c deflate.c infback.c inffast.c inflate.c \
	inftrees.c trees.c uncompr.c zutil.c

$(deps_stamps)/zlib:
	$(call deps_build,z,zlib,$(deps_zlib_files))
	$(call deps_headers,zlib/zlib.h zlib/zconf.h)
	@touch $@

# ---- libcurl: HTTP, HTTPS, SMTP, SMTPS over BearSSL and c-ares -------------
# Kept on purpose: HTTP proxies and CONNECT, MIME, dates (Retry-After), error
# texts. Files of what is off compile to nothing.

deps_curl_off := ALTSVC COOKIES CRYPTO_AUTH DICT DOH FILE FTP GETOPTIONS GOPHER HSTS IMAP LDAP LDAPS \
	MQTT NETRC NTLM POP3 PROGRESS_METER RTSP SHUFFLE_DNS SMB TELNET TFTP
deps_curl_flags := -DBUILDING_LIBCURL -DUSE_BEARSSL -DUSE_ARES -DENABLE_IPV6 $(deps_static) \
	$(deps_curl_off:%=-DCURL_DISABLE_%) \
	-I$(deps_src)/curl/include -I$(deps_src)/curl/lib -I$(deps_dir)/include

ifneq ($(TARGET),windows-x86_64)
deps_curl_flags += -DHAVE_CONFIG_H -I$(deps_here)/config
endif

$(deps_stamps)/curl: $(deps_stamps)/bearssl $(deps_stamps)/c-ares
	$(call deps_build,curl,curl/lib,*.c vauth/*.c vtls/*.c vquic/*.c vssh/*.c,$(deps_curl_flags))
	$(call deps_headers,curl/include/curl/*.h,curl)
	@touch $@

# ---- c-ares ----------------------------------------------------------------
# Its header names a type of Microsoft's compiler, which mingw-w64 knows only
# after some header of the system.

deps_cares_flags := -DCARES_STATICLIB -DCARES_BUILDING_LIBRARY -I$(deps_dir)/include
ifeq ($(TARGET),windows-x86_64)
deps_cares_flags += -DINADDRSZ=4
else
deps_cares_flags += -D_GNU_SOURCE -DHAVE_CONFIG_H -I$(deps_here)/config
endif

$(deps_stamps)/c-ares:
	$(call deps_headers,c-ares/include/ares*.h)
	@sed -i 's/__int64/long long/' $(deps_dir)/include/ares_build.h
	$(call deps_build,cares,c-ares/src/lib,*.c,$(deps_cares_flags))
	@touch $@

# ---- libuv -----------------------------------------------------------------

deps_uv_unix := async core dl fs getaddrinfo getnameinfo loop-watcher loop pipe poll process \
	random-devurandom signal stream tcp thread tty udp proctitle linux-core linux-inotify \
	linux-syscalls procfs-exepath random-getrandom random-sysctl-linux epoll
deps_uv_files := src/*.c $(deps_uv_unix:%=src/unix/%.c)
deps_uv_flags := -fno-strict-aliasing -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE \
	-D_POSIX_C_SOURCE=200112
ifeq ($(TARGET),windows-x86_64)
deps_uv_files := src/*.c src/win/*.c
deps_uv_flags := -fno-strict-aliasing
endif

$(deps_stamps)/libuv1:
	$(call deps_build,uv,libuv1,$(deps_uv_files),-I$(deps_src)/libuv1/include -I$(deps_src)/libuv1/src $(deps_uv_flags))
	$(call deps_headers,libuv1/include/uv.h)
	$(call deps_headers,libuv1/include/uv/*.h,uv)
	@touch $@

# ---- libsodium: all C files, no assembler ----------------------------------
# TI_MODE: curve25519 in 64-bit limbs. The vector code of BLAKE2b, ChaCha20
# and Argon2 is chosen at run time from what is defined here.

deps_sodium_files := *.c */*.c */*/*.c */*/*/*.c */*/*/*/*.c
deps_sodium_flags := -DCONFIGURED -DSODIUM_STATIC -DNATIVE_LITTLE_ENDIAN -DCPU_UNALIGNED_ACCESS \
	-DHAVE_TI_MODE -DHAVE_CPUID -DHAVE_INLINE_ASM -DHAVE_ATOMIC_OPS \
	-DHAVE_MMINTRIN_H -DHAVE_EMMINTRIN_H -DHAVE_PMMINTRIN_H -DHAVE_TMMINTRIN_H -DHAVE_SMMINTRIN_H
ifneq ($(TARGET),windows-x86_64)
deps_sodium_flags += -D_GNU_SOURCE -DHAVE_PTHREAD -DHAVE_WEAK_SYMBOLS -DHAVE_SYS_MMAN_H -DHAVE_MMAP \
	-DHAVE_MLOCK -DHAVE_MADVISE -DHAVE_MPROTECT -DHAVE_POSIX_MEMALIGN -DHAVE_GETPID -DHAVE_NANOSLEEP \
	-DHAVE_EXPLICIT_BZERO -DHAVE_SYS_RANDOM_H -DHAVE_GETRANDOM -DHAVE_GETENTROPY
endif

$(deps_stamps)/libsodium:
	$(call deps_headers,libsodium/src/libsodium/include/sodium.h)
	$(call deps_headers,libsodium/src/libsodium/include/sodium/*.h,sodium)
	$(call deps_headers,libsodium/builds/msvc/version.h,sodium)
	$(call deps_build,sodium,libsodium/src/libsodium,$(deps_sodium_files),$(deps_sodium_flags) -I$(deps_dir)/include/sodium -I$(deps_src)/libsodium/src/libsodium/include/sodium)
	@touch $@

# ---- one file each ---------------------------------------------------------

$(deps_stamps)/picohttpparser:
	$(call deps_build,picohttpparser,h2o/deps/picohttpparser,picohttpparser.c)
	$(call deps_headers,h2o/deps/picohttpparser/picohttpparser.h)
	@touch $@

deps_cmocka_flags := -I$(deps_src)/cmocka/include -DHAVE_ASSERT_H -DHAVE_INTTYPES_H -DHAVE_IO_H \
	-DHAVE_MALLOC_H -DHAVE_SETJMP_H -DHAVE_SIGNAL_H -DHAVE_STDARG_H -DHAVE_STDDEF_H -DHAVE_STDINT_H \
	-DHAVE_STDIO_H -DHAVE_STDLIB_H -DHAVE_STRING_H -DHAVE_STRINGS_H -DHAVE_TIME_H -DHAVE_UNISTD_H \
	-DHAVE_GCC_THREAD_LOCAL_STORAGE -DWORDS_SIZEOF_VOID_P=8
ifneq ($(TARGET),windows-x86_64)
deps_cmocka_flags += -D_GNU_SOURCE -DHAVE_STRSIGNAL -DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_GETTIME \
	-DHAVE_CLOCK_REALTIME
endif

$(deps_stamps)/cmocka:
	$(call deps_build,cmocka,cmocka/src,cmocka.c,$(deps_cmocka_flags))
	$(call deps_headers,cmocka/include/cmocka.h)
	@touch $@

$(deps_stamps)/jsmn:
	$(call deps_headers,libjsmn-dev/usr/include/jsmn.h)
	@touch $@

# The first rule of the including Makefile stays its default.
.DEFAULT_GOAL := $(deps_goal)
