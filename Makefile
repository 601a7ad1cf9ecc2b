# weir: build, test, check, install. One file, not recursive.
#   make            builds ./weir             make SAN=1    with ASan and UBSan, in build/san
#   make test       every test this user may run            make check    house rules
#   make V=1        shows the commands        make install  PREFIX=/usr/local DESTDIR=
#   make FAULTS=1   in build/faults, with an input that kills the analyst, for its test
#   make fuzz [TARGET=http1] [SECONDS=10]      fuzzes the parsers, each target so long
#   make accuracy [SEED=1] [LINES=20000]        precision and recall of `weir classify` on a generated corpus
# Sources are found by wildcard; an extension is a file and a row in a list.def.

CC	?= gcc
CLANG	?= clang
PKG	?= pkg-config
PREFIX	?= /usr/local
DESTDIR	?=
V	?= 0
SAN	?= 0
FUZZ	?= 0
FAULTS	?= 0
SECONDS	?= 10
SEED	?= 1
LINES	?= 20000
TARGET	?= $(fuzz)
Q	:= $(if $(filter 1,$V),,@)
say	= $(if $(filter 1,$V),,@printf '  %-5s %s\n' $1 $2)

comma	:= ,
out	:= build/$(if $(filter 1,$(FUZZ)),fuzz,$(if $(filter 1,$(SAN)),san,$(if $(filter 1,$(FAULTS)),faults,release)))
bin	:= $(if $(filter build/release,$(out)),weir,$(out)/weir)

MSGPACK	:= $(shell $(PKG) --exists msgpack-c && echo msgpack-c || echo msgpack)
LIBS	:= libbpf libelf zlib $(MSGPACK) yaml-0.1 sqlite3 libseccomp libcap libssl libcrypto libnghttp2 libbrotlidec libzstd
# Batches and messages in LZ4; without it they are not looked into.
LZ4	:= $(shell $(PKG) --exists liblz4 && echo liblz4)
LIBS	+= $(LZ4)
# Its archive, where there is one: `weir replay` alone wants it, and with it come libdbus and others
# that no role is to load (capture/packet/file.c).
PCAP	:= $(if $(wildcard $(shell $(PKG) --variable=libdir libpcap)/libpcap.a),-l:libpcap.a,$(shell $(PKG) --libs libpcap))
VERSION	:= 0.1
BUILD	:= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# ASan and UBSan, for tests; with them fuzzed code reads a pattern where it forgot to write.
checked	:= $(if $(filter 1,$(SAN) $(FUZZ)),-fsanitize=address$(comma)undefined)
cflags	:= -std=gnu11 -O2 -g -Wall -Wextra -Wmissing-prototypes -Wshadow -Wvla -Wstrict-prototypes \
	   -Wno-unused-parameter -D_GNU_SOURCE -Iuserspace -I. -I$(out) \
	   -fPIE -fstack-protector-strong -ftrivial-auto-var-init=$(if $(filter 1,$(FUZZ)),pattern -fsanitize=fuzzer-no-link,zero) \
	   $(if $(checked),$(checked) -fno-sanitize-recover=undefined -fno-omit-frame-pointer,\
	   -D_FORTIFY_SOURCE=2 -fstack-clash-protection) \
	   $(if $(LZ4),-DWEIR_LZ4) $(if $(filter 1,$(FAULTS)),'-DWEIR_FAULTS="kill-the-analyst"') \
	   $(shell $(PKG) --cflags $(LIBS) libpcap) $(if $(WERROR),-Werror) $(CFLAGS)
# What is zeroed on a stack is short, and the instruction that GCC takes for it on x86 long in beginning: a tenth of all on
# small messages.
strategy := unrolled_loop:256:noalign$(comma)libcall:-1:noalign
shorts	:= -mmemset-strategy=$(strategy) -mmemcpy-strategy=$(strategy)
cflags	+= $(if $(shell $(CC) $(shorts) -E -x c /dev/null >/dev/null 2>&1 && echo yes),$(shorts))
ldflags	:= -pie -Wl,-z,relro,-z,now $(checked) $(LDFLAGS)
ldlibs	:= $(PCAP) $(shell $(PKG) --libs $(LIBS)) -lm
bpfflags := -target bpf -D__bpf__ -O2 -g -mcpu=v3 -Wall -Wno-unused-function -Wno-missing-declarations -I. \
	    -D__TARGET_ARCH_$(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')

src	:= $(sort $(wildcard userspace/*/*.c userspace/*/*/*.c))
obj	:= $(src:%.c=$(out)/%.o)
bpfobj	:= build/bpf/weir.bpf.o
mainobj	:= $(out)/userspace/daemon/main.o
lib	:= $(out)/libweir.a
unit	:= $(patsubst %.c,$(out)/%,$(sort $(wildcard tests/unit/test_*.c)))
runner	:= $(patsubst %.c,$(out)/%,$(sort $(wildcard tests/golden/run_*.c tests/replay/run_*.c tests/bpf/run_*.c)))
# tests/bench/classify.c and ratio.c are made by scripts/bench-classify: they want engines that nothing else does.
helper	:= $(patsubst %.c,$(out)/%,$(filter-out tests/bench/classify.c tests/bench/ratio.c,$(sort $(wildcard tests/lib/*.c tests/bench/*.c))))

# One row a fuzz target: tests/fuzz/fuzz_NAME.c, tests/fuzz/corpus/NAME.
fuzz	:= ring_record \
	   stream \
	   http1 \
	   http2 \
	   websocket \
	   mqtt \
	   amqp \
	   nats \
	   postgres \
	   mysql \
	   redis \
	   memcached \
	   sql \
	   kafka \
	   mongodb \
	   snappy \
	   dns \
	   smtp \
	   ldap \
	   ftp \
	   syslog \
	   fluent \
	   chunked \
	   json \
	   form \
	   content \
	   multipart \
	   mail \
	   xml \
	   html_text \
	   event \
	   graphql \
	   statements \
	   csv \
	   msgpack \
	   cbor \
	   bson \
	   descriptor \
	   gzip \
	   inflate \
	   hello \
	   classify \
	   names \
	   document \
	   findings \
	   facts \
	   leaf \
	   policy \
	   user_class \
	   ledger \
	   checkpoint \
	   queue \
	   recording \
	   packet \
	   elf \
	   proc \
	   container \
	   period \
	   pipeline
fuzzer	:= $(fuzz:%=$(out)/tests/fuzz/fuzz_%)

# Payload may be seen here and nowhere else (and where the stages are wired); model/payload.h refuses the rest.
payload	:= capture stream protocol classify
payload_of = $(if $(filter $(payload:%=userspace/%/%) userspace/daemon/pipeline.c,$1)$(filter tests/%,$1),-DPAYLOAD_ALLOWED)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all test unit golden check install clean tests fuzz fuzzers accuracy FORCE

all: $(bin)

$(bin): $(mainobj) $(lib)
	$(call say,LINK,$@)
	$Q$(CC) $(ldflags) -o $@ $^ $(ldlibs)

$(lib): $(filter-out $(mainobj),$(obj)) $(out)/bpf/object.o
	$(call say,AR,$@)
	$Qrm -f $@ && ar rcs $@ $^

$(out)/%.o: %.c Makefile
	$(call say,CC,$<)
	$Qmkdir -p $(@D)
	$Q$(CC) $(cflags) $(call payload_of,$<) -MMD -MP -c -o $@ $<

$(bpfobj): bpf/weir.bpf.c Makefile
	$(call say,BPF,$<)
	$Qmkdir -p $(@D)
	$Q$(CLANG) $(bpfflags) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
	$Qllvm-strip -g $@ 2>/dev/null || true

$(out)/bpf/object.o: bpf/object.S $(bpfobj)
	$(call say,EMBED,$(bpfobj))
	$Qmkdir -p $(@D)
	$Q$(CC) -c -o $@ $<

# The build id changes with the commit, and only then is this file made again.
$(out)/version.h: FORCE
	$Qmkdir -p $(@D)
	$Qprintf '#define WEIR_VERSION "%s"\n#define WEIR_BUILD "%s"\n' '$(VERSION)' '$(BUILD)' >$@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(obj): | $(out)/version.h

# Its allocations go through the test, which makes the n-th fail.
$(out)/tests/unit/test_alloc: ldflags += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc strdup strndup)
$(out)/tests/bench/classify $(out)/tests/bench/ratio: ldlibs += $(shell $(PKG) --libs libhs libpcre2-8 2>/dev/null)
# Their oracles.
$(out)/tests/unit/test_json: ldlibs += -ljansson
$(out)/tests/unit/test_http1 $(out)/tests/bench/protocols: ldlibs += -lhttp_parser
$(out)/tests/unit/test_kafka $(out)/tests/fuzz/fuzz_snappy: ldlibs += -lsnappy

$(out)/tests/%: $(out)/tests/%.o $(lib)
	$(call say,LINK,$@)
	$Q$(CC) $(ldflags) -o $@ $^ $(ldlibs) -lcmocka
$(out)/tests/%.o: tests/%.c Makefile | $(out)/version.h
	$(call say,CC,$<)
	$Qmkdir -p $(@D)
	$Q$(CC) $(cflags) -DPAYLOAD_ALLOWED -MMD -MP -c -o $@ $<

$(out)/tests/fuzz/%: $(out)/tests/fuzz/%.o $(lib)
	$(call say,LINK,$@)
	$Q$(CC) $(ldflags) -fsanitize=fuzzer -o $@ $^ $(ldlibs)

# libFuzzer is clang's.
fuzzers: $(fuzzer)
fuzz:
	$Q$(MAKE) FUZZ=1 CC=$(CLANG) fuzzers
	$Qscripts/fuzz build/fuzz $(SECONDS) $(TARGET)

# The part to tune by, then the one that counts; what each kind of evidence adds to the value alone; last what is left
# of it without names of fields, and without objects that are persons.
score = python3 -B tests/corpus/generate.py $1 $(LINES) $(SEED) $(out)/accuracy/$1$2 $2 && \
	python3 -B tests/corpus/score.py $(bin) $(out)/accuracy/$1$2
accuracy: $(bin) $(out)/tests/unit/test_classify_tokens
	$Qmkdir -p $(out)/accuracy
	$Qecho "== tune" && $(call score,tune,) --tiers
	$Qecho "== held-out" && $(call score,held,)
	$Qfor level in value boundary key object all; do echo "== held-out, evidence up to: $$level" && \
		python3 -B tests/corpus/score.py $(bin) $(out)/accuracy/held --tiers --evidence $$level || exit 1; done
	$Qecho "== prose" && python3 -B tests/corpus/prose.py $(bin) $(out)/accuracy/prose $(SEED) --least
	$Qecho "== documents written by hand" && python3 -B tests/corpus/documents.py $(bin) --least
	$Qecho "== secrets of every format" && $(out)/tests/unit/test_classify_tokens
	$Qecho "== nothing to find" && python3 -B tests/corpus/clean.py $(bin) 100 $(SEED)
	$Qfor blind in keys objects; do echo "== held-out without $$blind" && $(call score,held,$$blind) --tiers || exit 1; done

tests: $(bin) $(unit) $(runner) $(helper)

test: tests
	$Qscripts/run-tests $(out)

unit: $(unit)
	$Qfor t in $(unit); do $$t || exit 1; done

check:
	$Qscripts/check-all

install: $(bin)
	install -D -m 0755 $(bin) $(DESTDIR)$(PREFIX)/bin/weir
	install -d $(DESTDIR)/etc/weir/policies
	install -m 0644 policies/*.yaml $(DESTDIR)/etc/weir/policies/
	install -d $(DESTDIR)/etc/weir/policies/classes
	install -m 0644 policies/classes/*.yaml $(DESTDIR)/etc/weir/policies/classes/
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|g' scripts/weir.service.in >$(DESTDIR)$(PREFIX)/lib/systemd/system/weir.service

clean:
	rm -rf build weir

.PRECIOUS: $(out)/%.o
-include $(obj:.o=.d) $(bpfobj:.o=.d) $(patsubst %,%.d,$(unit) $(runner) $(helper) $(fuzzer))
