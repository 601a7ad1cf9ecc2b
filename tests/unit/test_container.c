/* SPDX-License-Identifier: Apache-2.0 */
/* A made root folder with the files that each runtime writes, as it writes them, and the
 * cgroups that go with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_read.h"
#include "daemon/proc.h"
#include "daemon/runtime.h"
#include "daemon/user.h"

#define ID(c) c c c c c c c c
#define DOCKER ID("d0c4e500")
#define CRI ID("c0117a1d")
#define SANDBOX ID("5a4db0c5")
#define CRIO ID("c4100000")
#define PODMAN ID("90d3a400")
#define USERS ID("90d3a411")
#define NERD ID("4e4dc710")
#define LOGGED ID("1065ffff")
#define MOBY ID("30b40000")

static char root[] = "/tmp/weir-container-XXXXXX";
static int root_fd;

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_root(void **state)
{
	char link[600];

	if (!mkdtemp(root))
		return -1;
	put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/bash\n");
	put("var/lib/docker/containers/" DOCKER "/config.v2.json",
	    "{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Paused\":false,\"Pid\":4711,\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":"
	    "\"2026-11-24T08:49:00.123456789Z\",\"Health\":null},\"ID\":\"" DOCKER "\",\"Created\":\"2026-11-24T08:48:59Z\",\"Managed\":false,"
	    "\"Path\":\"docker-entrypoint.sh\",\"Args\":[\"nginx\",\"-g\",\"daemon off;\"],\"Config\":{\"Hostname\":\"d0c4e500d0c4\",\"Env\":"
	    "[\"PATH=/usr/bin\",\"Name=/forged\"],\"Labels\":{\"com.docker.compose.service\":\"front\",\"maintainer\":\"a \\u003c b\"}},"
	    "\"Image\":\"sha256:0123\",\"Name\":\"/shop-front-1\",\"Driver\":\"overlay2\",\"NetworkSettings\":{\"Networks\":{\"n\":{\"Name\":\"no\"}}}}");
	put("run/containerd/io.containerd.runtime.v2.task/k8s.io/" CRI "/config.json",
	    "{\"ociVersion\":\"1.1.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"/app\"]},\"root\":{\"path\":\"rootfs\"},\"annotations\":{"
	    "\"io.kubernetes.cri.container-name\":\"api\",\"io.kubernetes.cri.container-type\":\"container\",\"io.kubernetes.cri.image-name\":"
	    "\"registry.example/api:1.2\",\"io.kubernetes.cri.sandbox-id\":\"" SANDBOX "\",\"io.kubernetes.cri.sandbox-name\":\"api-7d9c6b5f4-x2x9k\","
	    "\"io.kubernetes.cri.sandbox-namespace\":\"payments\",\"io.kubernetes.cri.sandbox-uid\":\"0b1f\"},\"linux\":{\"cgroupsPath\":"
	    "\"kubepods-burstable-pod0b1f.slice:cri-containerd:" CRI "\"}}\n");
	put("run/containerd/io.containerd.runtime.v2.task/k8s.io/" SANDBOX "/config.json",
	    "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\",\"io.kubernetes.cri.sandbox-name\":\"api-7d9c6b5f4-x2x9k\","
	    "\"io.kubernetes.cri.sandbox-namespace\":\"payments\"}}");
	put("run/containerd/io.containerd.runtime.v2.task/default/" NERD "/config.json",
	    "{\"annotations\":{\"nerdctl/name\":\"cache\",\"nerdctl/namespace\":\"default\",\"nerdctl/platform\":\"linux/amd64\"}}");
	put("run/containerd/io.containerd.runtime.v2.task/moby/" MOBY "/config.json", "{\"ociVersion\":\"1.1.0\",\"hostname\":\"30b4\"}");
	put("var/lib/docker/containers/" MOBY "/config.v2.json",
	    "{\"Name\":\"/k8s_worker_batch-0_jobs_77_0\",\"Config\":{\"Labels\":{\"io.kubernetes.container.name\":\"worker\",\"io.kubernetes.pod.name\":"
	    "\"batch-0\",\"io.kubernetes.pod.namespace\":\"jobs\"}}}");
	put("run/containers/storage/overlay-containers/" CRIO "/userdata/config.json",
	    "{\"annotations\":{\"io.container.manager\":\"cri-o\",\"io.kubernetes.container.name\":\"db\",\"io.kubernetes.pod.name\":\"db-0\","
	    "\"io.kubernetes.pod.namespace\":\"store\",\"io.kubernetes.cri-o.ContainerType\":\"container\"}}");
	put("run/containers/storage/overlay-containers/" PODMAN "/userdata/config.json",
	    "{\"annotations\":{\"io.container.manager\":\"libpod\",\"org.opencontainers.image.stopSignal\":\"15\"}}");
	put("var/lib/containers/storage/overlay-containers/containers.json",
	    "[{\"id\":\"" CRIO "\",\"names\":[\"k8s_db_db-0_store_0_0\"],\"image\":\"ab\"},{\"id\":\"" PODMAN "\",\"names\":[\"ledger\",\"alias\"],"
	    "\"image\":\"cd\",\"layer\":\"ef\",\"metadata\":\"{\\\"name\\\":\\\"ledger\\\"}\",\"created\":\"2026-11-24T08:49:00Z\",\"flags\":{}}]");
	put("home/ana/.local/share/containers/storage/overlay-containers/containers.json",
	    "[{\"id\":\"" USERS "\",\"names\":[\"anas-tool\"]},{\"id\":\"" DOCKER "\",\"names\":[\"pretends\"]}]");
	put("var/log/pods/x", "");
	snprintf(link, sizeof(link), "%s/var/log/containers", root);
	mkdir(link, 0755);
	snprintf(link, sizeof(link), "%s/var/log/containers/web-5f_front-end_side-car-" LOGGED ".log", root);
	if (symlink("/var/log/pods/front-end_web-5f_1/side-car/0.log", link))
		return -1;
	root_fd = open(root, O_PATH | O_DIRECTORY);
	return root_fd < 0;
}

static int remove_root(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

/* One row a layout of cgroups that is in use. */
static const struct layout {
	const char *path, *unit, *container, *id, *runtime, *pod, *space;
} layouts[] = {
	/* systemd alone: system and user services, and scopes, which are nobody's workload */
	{ "/system.slice/nginx.service", "nginx.service", "", "", "", "", "" },
	{ "/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql_15-main.service", "", "", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/sync.service", "sync.service", "", "", "", "", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", "", "", "" },
	{ "/", "", "", "", "", "", "" },
	/* Docker: cgroupfs and systemd driver, inside of systemd in a container */
	{ "/docker/" DOCKER, "", "shop-front-1", "d0c4e500d0c4", "docker", "", "" },
	{ "/system.slice/docker-" DOCKER ".scope", "", "shop-front-1", "d0c4e500d0c4", "docker", "", "" },
	{ "/system.slice/docker-" DOCKER ".scope/system.slice/cron.service", "cron.service", "shop-front-1", "d0c4e500d0c4", "docker", "", "" },
	{ "/kubepods/burstable/pod77/" MOBY, "", "worker", "30b4000030b4", "docker", "batch-0", "jobs" },
	/* containerd of Kubernetes: cgroupfs and systemd driver; the pod's own container */
	{ "/kubepods/burstable/pod0b1f/" CRI, "", "api", "c0117a1dc011", "containerd", "api-7d9c6b5f4-x2x9k", "payments" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b1f.slice/cri-containerd-" CRI ".scope", "", "api", "c0117a1dc011",
	  "containerd", "api-7d9c6b5f4-x2x9k", "payments" },
	{ "/system.slice/containerd.service/kubepods-burstable-pod0b1f.slice:cri-containerd:" CRI, "containerd.service", "api", "c0117a1dc011",
	  "containerd", "api-7d9c6b5f4-x2x9k", "payments" },
	{ "/kubepods.slice/kubepods-pod0b1f.slice/cri-containerd-" SANDBOX ".scope", "", "5a4db0c55a4d", "5a4db0c55a4d", "containerd",
	  "api-7d9c6b5f4-x2x9k", "payments" },
	{ "/default/" NERD, "", "cache", "4e4dc7104e4d", "containerd", "", "" },
	{ "/system.slice/nerdctl-" NERD ".scope", "", "cache", "4e4dc7104e4d", "containerd", "", "" },
	/* CRI-O and what watches over its containers */
	{ "/kubepods.slice/kubepods-pod9.slice/crio-" CRIO ".scope/container", "", "db", "c4100000c410", "cri-o", "db-0", "store" },
	{ "/kubepods.slice/kubepods-pod9.slice/crio-conmon-" CRIO ".scope", "", "", "", "", "", "" },
	/* Podman: its own scope, inside of a service (quadlet), and of a user */
	{ "/machine.slice/libpod-" PODMAN ".scope/container", "", "ledger", "90d3a40090d3", "podman", "", "" },
	{ "/libpod_parent/libpod-" PODMAN, "", "ledger", "90d3a40090d3", "podman", "", "" },
	{ "/system.slice/ledger.service/libpod-payload-" PODMAN, "ledger.service", "ledger", "90d3a40090d3", "podman", "", "" },
	{ "/machine.slice/libpod-conmon-" PODMAN ".scope", "", "", "", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" USERS ".scope/container", "user_1000.service", "anas-tool",
	  "90d3a41190d3", "podman", "", "" },
	/* A user who calls a cgroup as the system's container is called does not become it. */
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/docker-" DOCKER ".scope", "user_1000.service", "pretends", "d0c4e500d0c4",
	  "docker", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/cri-containerd-" CRI ".scope", "user_1000.service", "c0117a1dc011",
	  "c0117a1dc011", "containerd", "", "" },
	{ "/user.slice/user-7.slice/user@7.service/app.slice/docker-" DOCKER ".scope", "user_7.service", "d0c4e500d0c4", "d0c4e500d0c4", "docker",
	  "", "" },
	/* LXC and nspawn are named by the cgroup; a virtual machine is no container */
	{ "/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "web1", "", "lxc", "", "" },
	{ "/lxc.monitor.web1", "", "", "", "", "", "" },
	{ "/machine.slice/machine-web\\x2dtwo.scope/payload/system.slice/nginx.service", "nginx.service", "web-two", "", "nspawn", "", "" },
	{ "/machine.slice/systemd-nspawn@web3.service/payload", "", "web3", "", "nspawn", "", "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "machine-qemu_x2d1_x2dvm.scope", "", "", "", "", "" },
	/* the kubelet's logs, when the runtime is not one that is known */
	{ "/kubepods/pod5/" LOGGED, "", "side-car", "1065ffff1065", "kubernetes", "web-5f", "front-end" },
	/* containers in containers: the inner one, behind the name of the outer */
	{ "/docker/" DOCKER "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod0b1f.slice/cri-containerd-" CRI ".scope", "",
	  "shop-front-1/c0117a1dc011", "c0117a1dc011", "containerd", "", "" },
	{ "/lxc.payload.ci/docker/" NERD, "", "ci/4e4dc7104e4d", "4e4dc7104e4d", "", "", "" },
	/* 63 and 65 digits are no id, 64 unknown ones are */
	{ "/docker/" DOCKER "0", "", "", "", "", "", "" },
	{ "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", "", "", "", "", "", "" },
	{ "/docker/" ID("ffffffff"), "", "ffffffffffff", "ffffffffffff", "", "", "" },
};

/* What a filescan does, but for its sandbox. */
static bool find(int64_t user, const char *id, struct container_names *names)
{
	struct runtime_files files;
	bool found;

	runtime_open(root_fd, user, id, &files);
	found = runtime_tell(&files, id, names);
	assert_true(container_names_check(names));
	assert_int_equal(container_named(names), found);
	return found;
}

/* As the monitor comes to its facts; of a container in a container only the outer one's files are here. */
static void facts_of(const struct place *p, struct process_facts *f)
{
	struct container_names names, outer;
	bool named = p->id[0] && !p->nested && find(p->user, p->id, &names);
	bool around = p->nested && container_is_id(p->outer) && find(-1, p->outer, &outer);

	container_facts(p, named ? &names : NULL, around ? &outer : NULL, f);
}

static void each_layout_of_cgroups_is_the_container_that_it_is(void **state)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct layout *l = &layouts[i];
		struct process_facts f = { .comm = "" };
		struct place p;

		print_message("%s\n", l->path);
		place_init(&p);
		place_read(&p, l->path, strlen(l->path));
		facts_of(&p, &f);
		assert_string_equal(f.unit, l->unit);
		assert_string_equal(f.container, l->container);
		assert_string_equal(f.container_id, l->id);
		assert_string_equal(f.runtime, l->runtime);
		assert_string_equal(f.pod, l->pod);
		assert_string_equal(f.pod_namespace, l->space);
	}
}

static void of_several_hierarchies_the_most_telling_counts(void **state)
{
	static const char *const lines[] = { "/system.slice/docker-" DOCKER ".scope", "/", "/system.slice/nginx.service" };
	struct process_facts f = { .comm = "" };
	struct place p;

	place_init(&p);
	for (int i = 2; i >= 0; i--)
		place_read(&p, lines[i], strlen(lines[i]));
	facts_of(&p, &f);
	assert_string_equal(f.container, "shop-front-1");
	assert_string_equal(f.unit, "nginx.service");
}

static const struct runtime *row(const char *name)
{
	for (unsigned i = 0; i < runtime_count(); i++)
		if (!strcmp(runtime_get(i)->name, name))
			return runtime_get(i);
	return NULL;
}

static void what_is_no_json_to_the_end_tells_nothing(void **state)
{
	static const char good[] = "{\"Name\":\"/web\",\"Config\":{\"Labels\":{}},\"Args\":[[],{},\"\",1.5e3,true,null,\"\\u00e9\\n\"]}";
	struct container c = { .id = DOCKER };
	char text[512];

	assert_true(container_text(row("docker"), good, strlen(good), &c));
	assert_string_equal(c.plain, "web");
	for (size_t n = 0; n < strlen(good); n++) {
		struct container none = { .id = DOCKER };

		assert_false(container_text(row("docker"), good, n, &none));
		assert_string_equal(none.plain, "");
	}
	static const char *const bad[] = {
		"{\"Name\":\"/web\"} x", "{\"Name\":\"/web\",}", "{\"Name\" \"/web\"}", "{Name:\"/web\"}", "{\"Name\":\"/we\nb\"}",
		"{\"Name\":\"/web\\x\"}", "{\"Name\":\"/web\"]", "[\"Name\":\"/web\"]", "{\"Name\":\"\\u12\"}", "\"Name\"", "",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct container none = { .id = DOCKER };

		assert_false(container_text(row("docker"), bad[i], strlen(bad[i]), &none));
	}
	memset(text, '[', sizeof(text));	/* nested without an end */
	assert_false(container_text(row("docker"), text, sizeof(text), &c));
	memcpy(text, "{\"Name\":\"/", 10);	/* a name longer than any */
	memset(text + 10, 'n', 400);
	memcpy(text + 410, "\"}", 3);
	assert_false(container_text(row("docker"), text, strlen(text), &c));
	/* A name that is data passes as all names do. */
	assert_true(container_text(row("docker"), "{\"Name\":\"/ana.ruiz@firm.example\"}", 33, &c));
	assert_string_equal(c.plain, "{email}");
}

/* A container's root user may put anything there: links that lead out, a pipe, a huge file. */
static void files_are_looked_for_below_the_root_only(void **state)
{
	static const char id[] = ID("abcdabcd");
	struct container_names c;
	char path[600], target[600];

	snprintf(target, sizeof(target), "%s.outside", root);
	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s", root, id);
	assert_int_equal(mkdir(path, 0755), 0);
	FILE *f = fopen(target, "w");
	fputs("{\"Name\":\"/outside\"}", f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/config.v2.json", root, id);
	assert_int_equal(symlink(target, path), 0);
	assert_false(find(-1, id, &c));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_false(find(-1, id, &c));
	assert_int_equal(unlink(path), 0);
	put("var/lib/docker/real.json", "{\"Name\":\"/inside\"}");
	assert_int_equal(symlink("/var/lib/docker/real.json", path), 0);	/* below the root it may lead anywhere */
	assert_true(find(-1, id, &c));
	assert_string_equal(c.name, "inside");
	assert_int_equal(unlink(path), 0);
	f = fopen(path, "w");
	assert_int_equal(ftruncate(fileno(f), 64 << 20), 0);
	fclose(f);
	assert_false(find(-1, id, &c));
	unlink(target);
}

static void this_process_has_a_place_a_parent_and_a_user(void **state)
{
	struct process_facts f = { .comm = "" };
	char name[33];
	struct place p;

	assert_true(proc_place(getpid(), &p));
	assert_int_equal(proc_parent(getpid()), getppid());
	assert_int_equal(proc_parent(0x7ffffff0), 0);
	assert_true(proc_facts(getpid(), &f, &p));
	assert_int_equal(f.uid_known, 1);
	assert_int_equal(f.uid, geteuid());
	user_name(name, sizeof(name), 0);
	assert_string_equal(name, "root");
	user_name(name, sizeof(name), 4000000000u);
	assert_string_equal(name, "");
}

/* Who answers has parsed what a tenant wrote: what it says is believed in its form only. */
static void an_answer_is_checked(void **state)
{
	struct container_names n = { .runtime = RUNTIME_UNKNOWN };

	assert_true(container_names_check(&n));
	assert_false(container_named(&n));
	snprintf(n.name, sizeof(n.name), "ana.ruiz@firm.example");
	snprintf(n.pod, sizeof(n.pod), "<b>\x1b[2J");
	assert_true(container_names_check(&n));
	assert_string_equal(n.name, "{email}");
	assert_string_equal(n.pod, "_b___2J");
	n.runtime = runtime_count();
	assert_false(container_names_check(&n));
	n.runtime = 0;
	memset(n.pod_namespace, 'n', sizeof(n.pod_namespace));
	assert_false(container_names_check(&n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_layout_of_cgroups_is_the_container_that_it_is),
		cmocka_unit_test(of_several_hierarchies_the_most_telling_counts),
		cmocka_unit_test(what_is_no_json_to_the_end_tells_nothing),
		cmocka_unit_test(files_are_looked_for_below_the_root_only),
		cmocka_unit_test(an_answer_is_checked),
		cmocka_unit_test(this_process_has_a_place_a_parent_and_a_user),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
