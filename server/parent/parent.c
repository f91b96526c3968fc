#include "server/parent/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/base/channel.h"
#include "server/parent/control.h"
#include "server/parent/restore.h"
#include "server/parent/notify.h"
#include "server/net/front.h"
#include "server/keeper/keeper.h"
#include "server/net/net.h"

#define DRAIN_MS 5000

static int run_keeper(void *arg, int ctl_fd)
{
	struct parent *p = arg;
	struct keeper_start start = {
		.settings = p->settings,
		.ctl_fd = ctl_fd,
		.key_fd = p->material->key_fd,
		.chain_pem = p->material->chain,
		.key_name = p->settings->tls.key,
		.latch = p->keeper_latch,
	};
	struct sn_secret passphrase = { 0, NULL };
	struct sn_why why = { "" };

	sn_log_setup("keeper", (enum sn_level)p->settings->log_level);
	if (material_passphrase(p->settings, &passphrase, &why) != SN_OK) {
		sn_log(SN_ALARM, "keeper.failed", "why=\"%s\"", why.text);
		return (1);
	}
	start.passphrase = passphrase.data;
	return (keeper_run(&start));
}

static int run_net(void *arg, int ctl_fd)
{
	struct parent *p = arg;
	struct net_start start = {
		.settings = p->settings,
		.material = p->material,
		.ctl_fd = ctl_fd,
		.listen_fds = p->listeners.fds,
		.listen_count = p->listeners.count,
		.latch = p->latch,
	};

	(void)munmap(p->keeper_latch, sizeof(*p->keeper_latch));
	sn_log_setup("net", (enum sn_level)p->settings->log_level);
	return (net_run(&start));
}

static enum sn_err start_keeper(struct parent *p, struct sn_why *why)
{
	/* A descriptor of its own: the offset is shared with the parent's. */
	(void)lseek(p->material->key_fd, 0, SEEK_SET);
	return (child_start(
	    &p->keeper, run_keeper, p, &p->material->key_fd, 1, why));
}

static enum sn_err start_net(struct parent *p, struct sn_why *why)
{
	return (child_start(
	    &p->net, run_net, p, p->listeners.fds, p->listeners.count, why));
}

static enum sn_err of_reply(json_t *reply, struct sn_why *why)
{
	const char *text = json_string_value(json_object_get(reply, "message"));
	enum sn_err err = SN_OK;

	if (!child_ok(reply))
		err = sn_why(
		    why, SN_EIO, "%s", text != NULL ? text : "no answer");
	json_decref(reply);
	return (err);
}

/* Fresh channels between the two, for signatures and for logins. */
static enum sn_err connect_children(struct parent *p, struct sn_why *why)
{
	int mine[2][CHANNEL_FDS_MAX];
	unsigned n = 2 * p->listeners.count, made;
	enum sn_err err = SN_OK;

	for (made = 0; made < n; made++) {
		int pair[2];

		if ((err = channel_pair(pair)) != SN_OK) {
			(void)sn_why(why, err, "cannot make a socket pair");
			break;
		}
		mine[0][made] = pair[0];
		mine[1][made] = pair[1];
	}
	if (err == SN_OK)
		err = of_reply(
		    child_ask(&p->keeper, json_pack("{s:s}", "cmd", "channels"),
			mine[0], n),
		    why);
	if (err == SN_OK)
		err = of_reply(
		    child_ask(&p->net, json_pack("{s:s}", "cmd", "channels"),
			mine[1], n),
		    why);
	for (unsigned i = 0; i < made; i++) {
		(void)close(mine[0][i]);
		(void)close(mine[1][i]);
	}
	return (err);
}

/* Passwords of accounts that do not exist are a start that was cut off
 * between the keeper and the log: the keeper forgets them. */
static enum sn_err remove_orphans(struct parent *p, struct sn_why *why)
{
	json_int_t after = 0;
	bool more = true;

	while (more) {
		json_t *reply = child_ask(&p->net,
		    json_pack(
			"{s:s, s:I}", "cmd", "account.ids", "after", after),
		    NULL, 0);
		json_t *ids = json_object_get(reply, "ids");
		size_t n = json_array_size(ids);
		enum sn_err err;

		if (!child_ok(reply))
			return (of_reply(reply, why));
		more = json_is_true(json_object_get(reply, "more")) && n > 0;
		if (n > 0)
			after = json_integer_value(json_array_get(ids, n - 1));
		err = of_reply(child_ask(&p->keeper,
				   json_pack("{s:s, s:O, s:b}", "cmd", "keep",
				       "ids", ids, "more", more),
				   NULL, 0),
		    why);
		json_decref(reply);
		if (err != SN_OK)
			return (err);
	}
	return (SN_OK);
}

static int memfd_of(struct sn_bytes b)
{
	int fd = memfd_create("sicherd", MFD_CLOEXEC);
	const char *p = b.p;
	size_t left = b.n;

	while (fd >= 0 && left > 0) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)close(fd);
			return (-1);
		}
		p += n;
		left -= (size_t)n;
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return (fd);
}

static json_t *failure(const char *code, const char *message)
{
	return (json_pack(
	    "{s:b, s:s, s:s}", "ok", 0, "error", code, "message", message));
}

static json_t *reload_keeper(
    struct parent *p, const struct settings *settings, const int *key)
{
	struct sn_secret passphrase = { 0, NULL };
	struct sn_why why = { "" };
	json_t *request;

	if (material_passphrase(settings, &passphrase, &why) != SN_OK)
		return (failure("refused", why.text));
	request =
	    json_pack("{s:s, s:s}", "cmd", "reload", "name", settings->tls.key);
	if (passphrase.data != NULL)
		(void)json_object_set_new(
		    request, "passphrase", json_string(passphrase.data));
	sn_secret_free(&passphrase);
	return (child_ask(&p->keeper, request, key, 2));
}

/* What is checked already, so that it cannot be refused. */
static void tell_policy(struct parent *p, const struct settings *s)
{
	json_t *reply = child_ask(&p->keeper,
	    json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		      "s:I}",
		"cmd", "policy", "memory_kib",
		(json_int_t)(s->password.memory / 1024), "iterations",
		(json_int_t)s->password.iterations, "parallelism",
		(json_int_t)s->password.parallelism, "queue",
		(json_int_t)s->password.queue, "answer_ms",
		(json_int_t)s->password.answer_time, "delay_first_ms",
		(json_int_t)s->password.delay_first, "delay_max_ms",
		(json_int_t)s->password.delay_max, "failures_per_day",
		(json_int_t)s->password.failures_per_day, "secret_life_ms",
		(json_int_t)s->password.first_secret_life, "token_life_ms",
		(json_int_t)s->password.token_life, "sign_rate",
		(json_int_t)s->limits.sign_rate),
	    NULL, 0);

	/* It died: the next one starts with these. */
	if (!child_ok(reply))
		sn_log(SN_ALARM, "keeper.policy", "what=\"not heard\"");
	json_decref(reply);
}

/* First the keeper, which keeps the key before as well; then net. */
static json_t *hand_over(
    struct parent *p, const struct settings *settings, const struct material *m)
{
	int fds[4], key[2] = { m->key_fd, memfd_of(m->chain) };
	const struct sn_bytes files[4] = { m->config, m->authority, m->crl,
		m->chain };
	json_t *reply = NULL;
	bool made = key[1] >= 0;

	for (unsigned i = 0; i < 4; i++) {
		fds[i] = memfd_of(files[i]);
		made = made && fds[i] >= 0;
	}
	if (!made)
		reply = failure("internal", "no memory for the files");
	if (reply == NULL) {
		reply = reload_keeper(p, settings, key);
		if (child_ok(reply)) {
			json_decref(reply);
			reply = child_ask(&p->net,
			    json_pack("{s:s}", "cmd", "reload"), fds, 4);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	if (key[1] >= 0)
		(void)close(key[1]);
	return (reply);
}

json_t *parent_reload(struct parent *p)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct settings *settings;
	struct material *material;
	json_t *reply;

	if (report == NULL)
		return (failure("internal", "no memory"));
	if (parent_check(p->path, &settings, &material, report) != SN_OK) {
		reply = failure("refused", report->text);
	} else if (settings_check_reload(p->settings, settings, report) !=
		   SN_OK) {
		reply = failure("refused", report->text);
		settings_free(settings);
		material_free(material);
	} else {
		reply = hand_over(p, settings, material);
		if (child_ok(reply)) {
			settings_free(p->settings);
			material_free(p->material);
			p->settings = settings;
			p->material = material;
			tell_policy(p, settings);
		} else {
			settings_free(settings);
			material_free(material);
		}
	}
	if (child_ok(reply))
		sn_log(SN_NOTICE, "reloaded", "crl=%lld closed=%lld",
		    (long long)json_integer_value(
			json_object_get(reply, "crl")),
		    (long long)json_integer_value(
			json_object_get(reply, "closed")));
	else
		sn_log(SN_ALARM, "reload.refused",
		    "what=\"everything stays as it was\" why=\"%s\"",
		    json_string_value(json_object_get(reply, "message")));
	free(report);
	return (reply);
}

json_t *parent_ask_id(struct child *child, const char *cmd, json_int_t id)
{
	return (child_ask(child,
	    json_pack("{s:s, s:I}", "cmd", cmd, "account_id", id), NULL, 0));
}

enum sn_err parent_check(const char *path, struct settings **settings,
    struct material **material, struct sn_conf_report *report)
{
	struct sn_why why = { "" };
	enum sn_err err;

	if ((err = settings_read(path, settings, report)) != SN_OK)
		return (err);
	if ((err = listeners_check(*settings, &why)) == SN_OK)
		err = material_read(path, *settings, material, &why);
	else
		*material = NULL;
	if (err == SN_OK &&
	    (err = front_check(*settings, *material, &why)) != SN_OK)
		material_free(*material);
	if (err == SN_OK)
		return (SN_OK);
	settings_free(*settings);
	sn_conf_report_add(report, path, 0, "%s", why.text);
	return (err);
}

unsigned parent_warn(
    const struct settings *settings, const struct material *material, FILE *to)
{
	return (front_warn(settings, material, to));
}

/* Two servers on one database would each believe to be the only one. */
static enum sn_err lock_data(struct parent *p, struct sn_why *why)
{
	char path[4096];
	enum sn_err err;

	if ((err = sn_file_mkdir(p->settings->data, 0700, why)) != SN_OK)
		return (err);
	(void)snprintf(path, sizeof(path), "%s/lock", p->settings->data);
	p->data_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->data_lock < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	if (flock(p->data_lock, LOCK_EX | LOCK_NB) != 0)
		return (sn_why(why, SN_EINUSE,
		    "another sicherd uses %s; stop it first",
		    p->settings->data));
	(void)snprintf(
	    path, sizeof(path), "%s/" RESTORE_MARK, p->settings->data);
	if (access(path, F_OK) == 0)
		return (sn_why(why, SN_ECORRUPT,
		    "a restore into %s was cut off; run sicherd restore again",
		    p->settings->data));
	return (SN_OK);
}

static void report_death(const struct child *c, int status)
{
	if (WIFSIGNALED(status))
		sn_log(SN_ALARM, "child.died", "name=%s pid=%d signal=%s",
		    c->name, (int)c->pid, sigabbrev_np(WTERMSIG(status)));
	else
		sn_log(SN_ALARM, "child.died", "name=%s pid=%d status=%d",
		    c->name, (int)c->pid, WEXITSTATUS(status));
}

static void restart(struct parent *p, struct child *c,
    enum sn_err (*start)(struct parent *p, struct sn_why *why))
{
	struct sn_why why = { "" };

	if (!child_may_start(c, sn_clock_mono())) {
		sn_log(SN_ALARM, "child.given_up",
		    "name=%s what=\"it died three times within a minute; "
		    "sicherd stops\"",
		    c->name);
		p->stopping = true;
		p->status = 1;
		return;
	}
	p->restarts++;
	if (start(p, &why) != SN_OK || connect_children(p, &why) != SN_OK) {
		sn_log(SN_ALARM, "child.not_restarted", "name=%s why=\"%s\"",
		    c->name, why.text);
		return;
	}
	sn_log(SN_NOTICE, "child.restarted", "name=%s pid=%d", c->name,
	    (int)c->pid);
}

bool parent_latched(const struct parent *p)
{
	return (
	    atomic_load(p->latch) != 0 || atomic_load(p->keeper_latch) != 0);
}

/* Until somebody has looked at the disk and starts the server again. */
static void tell_latch(struct parent *p)
{
	if (p->latch_told || !parent_latched(p))
		return;
	p->latch_told = true;
	sn_log(SN_ALARM, "store.reading_only",
	    "what=\"the disk failed; the database is only read until sicherd "
	    "is restarted: look at the disk first\"");
}

static enum sn_err make_latch(atomic_int **out, struct sn_why *why)
{
	*out = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*out == MAP_FAILED)
		return (sn_why_errno(why, SN_ENOMEM, "no memory to start"));
	atomic_init(*out, 0);
	return (SN_OK);
}

static void reap(struct parent *p)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = pid == p->net.pid      ? &p->net
				  : pid == p->keeper.pid ? &p->keeper
							 : NULL;

		if (c == NULL)
			continue;
		if (!p->stopping)
			report_death(c, status);
		if (c == &p->net && WIFEXITED(status) &&
		    WEXITSTATUS(status) == NET_PANICKED)
			atomic_store(p->latch, 1);
		tell_latch(p);
		child_gone(c);
		if (!p->stopping)
			restart(p, c, c == &p->net ? start_net : start_keeper);
	}
}

static void on_signal(struct parent *p, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap(p);
		break;
	case SIGHUP:
		json_decref(parent_reload(p));
		break;
	default:
		sn_log(SN_NOTICE, "stopping", "signal=%s",
		    sigabbrev_np((int)info.ssi_signo));
		notify_manager("STOPPING=1");
		p->stopping = true;
		break;
	}
}

/* Wait for it to leave; help when it does not. */
static void await(struct child *c, int ms)
{
	uint64_t until = sn_clock_mono() + (uint64_t)ms * SN_NS_PER_MS;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (c->pid == 0)
		return;
	/* Its end of the socket closes when it is gone. */
	while (sn_clock_mono() < until && poll(&p, 1, ms) > 0) {
		char byte;

		if (recv(c->fd, &byte, 1, MSG_DONTWAIT) <= 0)
			break;
	}
	if (waitpid(c->pid, NULL, WNOHANG) == 0) {
		if (sn_clock_mono() >= until)
			(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	child_gone(c);
}

/* Net first, so that logins in flight still find the keeper. */
static void stop_children(struct parent *p)
{
	json_decref(
	    child_ask(&p->net, json_pack("{s:s}", "cmd", "drain"), NULL, 0));
	await(&p->net, DRAIN_MS);
	json_decref(
	    child_ask(&p->keeper, json_pack("{s:s}", "cmd", "stop"), NULL, 0));
	await(&p->keeper, DRAIN_MS);
}

static enum sn_err start_all(struct parent *p, struct sn_why *why)
{
	enum sn_err err;

	if ((err = make_latch(&p->latch, why)) != SN_OK ||
	    (err = make_latch(&p->keeper_latch, why)) != SN_OK ||
	    (err = lock_data(p, why)) != SN_OK ||
	    (err = listeners_open(p->settings, &p->listeners, why)) != SN_OK ||
	    (err = start_keeper(p, why)) != SN_OK ||
	    (err = start_net(p, why)) != SN_OK ||
	    (err = remove_orphans(p, why)) != SN_OK)
		return (err);
	tell_latch(p);
	return (connect_children(p, why));
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return (-1);
	return (signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

static void serve(struct parent *p, struct control *control, int signal_fd)
{
	struct pollfd fds[1 + CONTROL_POLLFDS];

	while (!p->stopping) {
		unsigned n = control_poll(control, fds + 1);
		int timeout = control_timeout(control);

		fds[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		if (poll(fds, n + 1, timeout) < 0 && errno != EINTR)
			break;
		control_work(control, fds + 1, n);
		if (fds[0].revents != 0)
			on_signal(p, signal_fd);
	}
}

int parent_run(const char *path)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct parent p = { .path = path,
		.data_lock = -1,
		.status = 1,
		.keeper = { .name = "keeper" },
		.net = { .name = "net" } };
	struct control *control = NULL;
	struct sn_why why = { "" };
	int signal_fd;

	if (report == NULL)
		return (1);
	if (parent_check(path, &p.settings, &p.material, report) != SN_OK) {
		(void)fputs(report->text, stderr);
		free(report);
		return (78); /* EX_CONFIG */
	}
	free(report);
	sn_log_setup("parent", (enum sn_level)p.settings->log_level);
	p.started = sn_clock_mono();
	signal_fd = signals();
	if (start_all(&p, &why) == SN_OK &&
	    control_open(&p, &control, &why) == SN_OK) {
		p.status = 0;
		sn_log(SN_NOTICE, "listening", "address=\"%s\"",
		    p.listeners.address);
		sn_log(
		    SN_NOTICE, "ready", "control=\"%s\"", p.settings->control);
		notify_manager("READY=1");
		serve(&p, control, signal_fd);
	} else {
		sn_log(SN_ALARM, "not_started", "why=\"%s\"", why.text);
	}
	p.stopping = true;
	stop_children(&p);
	control_close(control);
	listeners_close(&p.listeners);
	settings_free(p.settings);
	material_free(p.material);
	(void)close(p.data_lock);
	(void)close(signal_fd);
	sn_log(SN_NOTICE, "stopped", "status=%d", p.status);
	return (p.status);
}
