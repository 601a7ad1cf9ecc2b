/* SPDX-License-Identifier: Apache-2.0 */
/* load_object.c - loads the BPF programs of an object file one by one, as root, attaches
 * none, and says what each cost the verifier. Of one that does not load: the verifier's
 * last words, and its whole log in FILE.PROGRAM.log. For objects of other compilers. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_SIZE (16 << 20)

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

static void keep_log(const char *file, const char *program, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%s.log", file, program);
	f = fopen(path, "we");
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
	printf("  | the verifier's log: %s\n", path);
}

/* One program alone: others must not hide it. */
static int load_one(const char *file, const char *name, char *text)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_level = 4);
	struct bpf_object *o = bpf_object__open_file(file, &opts);
	struct bpf_program *p;
	const char *took;
	bool missing;
	int err;

	if (!o)
		return 1;
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	p = bpf_object__find_program_by_name(o, name);
	text[0] = 0;
	bpf_program__set_log_buf(p, text, LOG_SIZE);
	err = bpf_object__load(o);
	took = strstr(text, "processed ");
	if (!err)
		printf("ok %s: %.*s instructions\n", name, took ? (int)strcspn(took + 10, " ") : 1, took ? took + 10 : "?");
	/* A hook that this kernel has not, or allows to nobody, says nothing about the program. */
	missing = err == -ESRCH || (err == -EPERM && !strncmp(bpf_program__section_name(p), "fexit/", 6));
	if (missing)
		printf("skip %s: this kernel has not, or denies, what it hooks\n", name);
	bpf_object__close(o);
	if (!err || missing)
		return 0;
	printf("FAIL %s: %s\n", name, strerror(-err));
	/* Once more, now with every step. */
	opts.kernel_log_level = 2;
	o = bpf_object__open_file(file, &opts);
	if (!o)
		return 1;
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	bpf_program__set_log_buf(bpf_object__find_program_by_name(o, name), text, LOG_SIZE);
	bpf_object__load(o);
	bpf_object__close(o);
	keep_log(file, name, text);
	return 1;
}

int main(int argc, char **argv)
{
	char *text = malloc(LOG_SIZE);
	struct bpf_object *o;
	struct bpf_program *p;
	int failed = 0;

	libbpf_set_print(quiet);
	o = argc == 2 && text ? bpf_object__open_file(argv[1], NULL) : NULL;
	if (!o) {
		fprintf(stderr, "usage: load_object FILE.bpf.o, a BPF object that libbpf can open\n");
		return 2;
	}
	bpf_object__for_each_program(p, o)
		failed += load_one(argv[1], bpf_program__name(p), text);
	bpf_object__close(o);
	return failed != 0;
}
