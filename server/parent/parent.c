#include "server/parent/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "server/net/net.h"
#include "server/parent/children.h"
#include "server/parent/control.h"
#include "server/parent/notify.h"
#include "server/parent/reload.h"
#include "server/parent/restore.h"

/* Two servers on one database would each believe to be the only one. */
static enum sn_err lock_data(struct parent *p, struct sn_why *why)
{
	char path[4096];
	enum sn_err err;

	if ((err = sn_file_mkdir(p->input.settings->data, 0700, why)) != SN_OK)
		return (err);
	(void)snprintf(path, sizeof(path), "%s/lock", p->input.settings->data);
	p->data_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->data_lock < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	if (flock(p->data_lock, LOCK_EX | LOCK_NB) != 0)
		return (sn_why(why, SN_EINUSE,
		    "another sicherd uses %s; stop it first",
		    p->input.settings->data));
	(void)snprintf(
	    path, sizeof(path), "%s/" RESTORE_MARK, p->input.settings->data);
	if (access(path, F_OK) == 0)
		return (sn_why(why, SN_ECORRUPT,
		    "a restore into %s was cut off; run sicherd restore again",
		    p->input.settings->data));
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

static void restart(struct parent *p, struct child *c)
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
	if (children_start_again(p, c, &why) != SN_OK) {
		sn_log(SN_ALARM, "child.not_restarted", "name=%s why=\"%s\"",
		    c->name, why.text);
		return;
	}
	sn_log(SN_NOTICE, "child.restarted", "name=%s pid=%d", c->name,
	    (int)c->pid);
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
			atomic_store(p->latch.net, 1);
		latch_tell(&p->latch);
		child_gone(c);
		if (!p->stopping)
			restart(p, c);
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
		json_decref(reload_run(p));
		break;
	default:
		sn_log(SN_NOTICE, "stopping", "signal=%s",
		    sigabbrev_np((int)info.ssi_signo));
		notify_manager("STOPPING=1");
		p->stopping = true;
		break;
	}
}

static enum sn_err start(struct parent *p, struct sn_why *why)
{
	enum sn_err err;

	if ((err = latch_make(&p->latch, why)) != SN_OK ||
	    (err = lock_data(p, why)) != SN_OK ||
	    (err = listeners_open(p->input.settings, &p->listeners, why)) !=
		SN_OK)
		return (err);
	err = children_start(p, why);
	latch_tell(&p->latch);
	return (err);
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
	if (input_read(path, &p.input, report) != SN_OK) {
		(void)fputs(report->text, stderr);
		free(report);
		return (78); /* EX_CONFIG */
	}
	free(report);
	sn_log_setup("parent", (enum sn_level)p.input.settings->log_level);
	p.started = sn_clock_mono();
	signal_fd = signals();
	if (start(&p, &why) == SN_OK &&
	    control_open(&p, &control, &why) == SN_OK) {
		p.status = 0;
		sn_log(SN_NOTICE, "listening", "address=\"%s\"",
		    p.listeners.address);
		sn_log(SN_NOTICE, "ready", "control=\"%s\"",
		    p.input.settings->control);
		notify_manager("READY=1");
		serve(&p, control, signal_fd);
	} else {
		sn_log(SN_ALARM, "not_started", "why=\"%s\"", why.text);
	}
	p.stopping = true;
	children_stop(&p);
	control_close(control);
	listeners_close(&p.listeners);
	input_free(&p.input);
	(void)close(p.data_lock);
	(void)close(signal_fd);
	sn_log(SN_NOTICE, "stopped", "status=%d", p.status);
	return (p.status);
}
