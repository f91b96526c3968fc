#include "bench/meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"

#define TEXT_MAX 4096

/* The processes that are still to be read. */
struct queue {
	pid_t pids[METER_PIDS];
	size_t count;
};

/* One read of a file of /proc, which says at once what it has to say. */
static enum sn_err slurp(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((f = fopen(path, "re")) == NULL)
		return (SN_ENOTFOUND);
	n = fread(out, 1, size - 1, f);
	(void)fclose(f);
	out[n] = '\0';
	return (n > 0 ? SN_OK : SN_ENOTFOUND);
}

/* proc(5): the 14th and 15th field; the second may hold any character. */
static enum sn_err add_cpu(pid_t pid, uint64_t *ns)
{
	uint64_t tick = SN_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[TEXT_MAX], *p, *end;
	uint64_t user, system;

	if (slurp(pid, "stat", text, sizeof(text)) != SN_OK ||
	    (p = strrchr(text, ')')) == NULL)
		return (SN_ENOTFOUND);
	for (int i = 0; i < 12 && p != NULL; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return (SN_ENOTFOUND);
	user = strtoull(p, &end, 10);
	system = strtoull(end, NULL, 10);
	*ns += (user + system) * tick;
	return (SN_OK);
}

static enum sn_err add_memory(pid_t pid, uint64_t *bytes)
{
	char text[TEXT_MAX];
	const char *p;

	if (slurp(pid, "status", text, sizeof(text)) != SN_OK)
		return (SN_ENOTFOUND);
	if ((p = strstr(text, "RssAnon:")) != NULL)
		*bytes += strtoull(p + sizeof("RssAnon:") - 1, NULL, 10) * 1024;
	return (SN_OK);
}

/* Those that the main thread of ${pid} has started. */
static void add_children(struct queue *q, pid_t pid)
{
	char name[64], text[TEXT_MAX], *p = text, *end;

	(void)snprintf(name, sizeof(name), "task/%d/children", (int)pid);
	if (slurp(pid, name, text, sizeof(text)) != SN_OK)
		return;
	for (;;) {
		long child = strtol(p, &end, 10);

		if (end == p || q->count == METER_PIDS)
			return;
		q->pids[q->count++] = (pid_t)child;
		p = end;
	}
}

enum sn_err meter_read(
    const struct meter *m, struct meter_reading *out, struct sn_why *why)
{
	struct queue q = { .count = m->count };

	*out = (struct meter_reading){ 0 };
	memcpy(q.pids, m->roots, sizeof(*q.pids) * m->count);
	while (q.count > 0) {
		pid_t pid = q.pids[--q.count];

		if (add_cpu(pid, &out->cpu_ns) != SN_OK ||
		    add_memory(pid, &out->rss_anon) != SN_OK)
			return (sn_why(why, SN_ENOTFOUND,
			    "process %d of the server is not there", (int)pid));
		out->processes++;
		add_children(&q, pid);
	}
	return (SN_OK);
}
