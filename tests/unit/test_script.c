/* SPDX-License-Identifier: Apache-2.0 */
/* What an interpreter runs, by its arguments: a script's or a module's name, and never code or the value of an option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "daemon/script.h"

/* "|" between arguments; NULL: none. */
static const struct { const char *exe, *args, *script; } cases[] = {
	{ "/usr/bin/python3.11", "python3|app.py", "app.py" },
	{ "/usr/bin/python3.11", "/usr/bin/python3|/usr/bin/gunicorn|--workers|3|app:app", "gunicorn" },
	{ "/usr/bin/python3.11", "python3|-m|http.server|80", "http.server" },
	{ "/usr/bin/python3.11", "python3|-Im|http.server", "http.server" },
	{ "/usr/bin/python3.11", "python3|-mhttp.server", "http.server" },
	{ "/usr/bin/python3.11", "python3|-W|ignore|-c|import secret|app.py", NULL },
	{ "/usr/bin/python3.11", "python3|-W|ignore|-X|dev|app.py", "app.py" },
	{ "/usr/bin/python3.11", "python3|-Wignore|-u|app.py", "app.py" },
	{ "/usr/bin/python3.11", "python3|-uc|print(4111)|x", NULL },
	{ "/usr/bin/python3.11", "python3|--check-hash-based-pycs|always|app.py", "app.py" },
	{ "/usr/bin/python3.11", "python3|-|x", NULL },
	{ "/usr/bin/python3.11", "python3", NULL },
	{ "/usr/bin/php8.2", "php|-r|curl_init();|--|x", NULL },
	{ "/usr/bin/php8.2", "php|-d|memory_limit=1G|/srv/work.php|x", "work.php" },
	{ "/usr/bin/php8.2", "php|-S|127.0.0.1:8000|-t|/srv/www|router.php", "router.php" },
	{ "/usr/bin/php8.2", "php|-f|/srv/work.php", "work.php" },
	{ "/usr/sbin/php-fpm8.2", "php-fpm: pool www", NULL },
	{ "/usr/bin/perl", "perl|-MLWP::UserAgent|-we|print 1", NULL },
	{ "/usr/bin/perl", "perl|-lane|print", NULL },
	{ "/usr/bin/perl", "perl|-I|/srv/lib|-w|job.pl", "job.pl" },
	{ "/usr/bin/perl", "perl|-MSome::code|job.pl", "job.pl" },
	{ "/usr/bin/ruby3.1", "ruby|-rnet/http|-ropenssl|-e|exit|x", NULL },
	{ "/usr/bin/ruby3.1", "ruby|-r|json|/srv/job.rb", "job.rb" },
	{ "/usr/bin/ruby3.1", "puma 5.6.5 (tcp://0.0.0.0:9292) [shop]", "puma" },
	{ "/usr/bin/ruby3.1", "puma: cluster worker 0: 4711 [shop]", "puma" },
	{ "/usr/bin/python3.11", "gunicorn: master [app:app]", "gunicorn" },
	{ "/usr/bin/python3.11", "/usr/bin/python3|-uc|x", NULL },
	{ "/usr/bin/node", "node /srv/app.js", "app.js" },
	{ "/usr/bin/node", "npm run start", "npm" },
	{ "/usr/bin/node", "nodejs|app.js", "app.js" },
	{ "/usr/bin/node", "node -e fetch()", NULL },
	{ "/usr/bin/bash", "-bash", NULL },
	{ "/usr/bin/dash", "/bin/sh|/srv/backup.sh", "backup.sh" },
	{ "/usr/bin/node", "node|-e|fetch()|https://x/a", NULL },
	{ "/usr/bin/node", "node|-pe|1", NULL },
	{ "/usr/bin/node", "node|--require|./trace.js|--max-old-space-size=4096|server.js", "server.js" },
	{ "/usr/bin/node", "node|--eval=fetch()|https://x/a", NULL },
	{ "/usr/bin/node", "node|-- eval|server.js", "server.js" },
	{ "/usr/bin/node", "node|--title=eval|server.js", "server.js" },
	{ "/usr/bin/php8.2", "php|--file=/srv/work.php|x", "work.php" },
	{ "/usr/bin/node", "node|--|server.js", "server.js" },
	{ "/opt/bun", "bun|run|/srv/api.ts", "api.ts" },
	{ "/opt/deno", "deno|run|-A|--config|d.json|/srv/api.ts", "api.ts" },
	{ "/usr/bin/lua5.4", "lua|-l|ssl|job.lua", "job.lua" },
	{ "/usr/bin/tclsh8.6", "tclsh|job.tcl", "job.tcl" },
	{ "/usr/bin/guile", "guile|--no-auto-compile|-s|/srv/job.scm", "job.scm" },
	{ "/usr/bin/bash", "bash|-eo|pipefail|/srv/backup.sh", "backup.sh" },
	{ "/usr/bin/bash", "bash|-lc|curl x", NULL },
	{ "/usr/bin/dash", "sh|-c|curl x", NULL },
	{ "/usr/lib/jvm/java-17/bin/java", "java|-Xmx1g|-jar|/srv/api.jar|--port|80", "api.jar" },
	{ "/usr/lib/jvm/java-17/bin/java", "java|-cp|/srv/a.jar:/srv/b.jar|-Dx=y|com.example.Main", "com.example.Main" },
	{ "/usr/lib/jvm/java-17/bin/java", "java|--module-path|/srv|-ea|-m|shop.api/com.example.Main", "com.example.Main" },
	{ "/usr/sbin/nginx", "nginx|-g|daemon off;", NULL },
	{ "/usr/bin/python3.11", "", NULL },
};

static void what_an_interpreter_runs_is_told_by_its_arguments(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].args);
		char args[256];
		const char *got;
		size_t len;

		memcpy(args, cases[i].args, n + 1);
		for (char *p = args; (p = strchr(p, '|')); p++)
			*p = 0;
		got = script_of(cases[i].exe, args, n + !!n, &len);
		if (!got != !cases[i].script || (got && (len != strlen(cases[i].script) || memcmp(got, cases[i].script, len))))
			fail_msg("%s: got %.*s", cases[i].args, got ? (int)len : 4, got ? got : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_interpreter_runs_is_told_by_its_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
