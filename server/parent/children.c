#include "server/parent/children.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/base/channel.h"
#include "server/keeper/keeper.h"
#include "server/net/net.h"

#define DRAIN_MS 5000

static int run_keeper(void *arg, int ctl_fd)
{
	struct parent *p = arg;
	struct keeper_start start = {
		.settings = p->input.settings,
		.ctl_fd = ctl_fd,
		.key_fd = p->input.material->key_fd,
		.chain_pem = p->input.material->chain,
		.key_name = p->input.settings->tls.key,
		.latch = p->latch.keeper,
	};
	struct sn_secret passphrase = { 0, NULL };
	struct sn_why why = { "" };

	sn_log_setup("keeper", (enum sn_level)p->input.settings->log_level);
	if (material_passphrase(p->input.settings, &passphrase, &why) !=
	    SN_OK) {
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
		.settings = p->input.settings,
		.material = p->input.material,
		.ctl_fd = ctl_fd,
		.listen_fds = p->listeners.fds,
		.listen_count = p->listeners.count,
		.latch = p->latch.net,
	};

	latch_hide_keeper(&p->latch);
	sn_log_setup("net", (enum sn_level)p->input.settings->log_level);
	return (net_run(&start));
}

static enum sn_err start_keeper(struct parent *p, struct sn_why *why)
{
	/* A descriptor of its own: the offset is shared with the parent's. */
	(void)lseek(p->input.material->key_fd, 0, SEEK_SET);
	return (child_start(
	    &p->keeper, run_keeper, p, &p->input.material->key_fd, 1, why));
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

enum sn_err children_start(struct parent *p, struct sn_why *why)
{
	enum sn_err err;

	if ((err = start_keeper(p, why)) != SN_OK ||
	    (err = start_net(p, why)) != SN_OK ||
	    (err = remove_orphans(p, why)) != SN_OK)
		return (err);
	return (connect_children(p, why));
}

enum sn_err children_start_again(
    struct parent *p, struct child *child, struct sn_why *why)
{
	enum sn_err err =
	    child == &p->net ? start_net(p, why) : start_keeper(p, why);

	return (err == SN_OK ? connect_children(p, why) : err);
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

void children_stop(struct parent *p)
{
	json_decref(
	    child_ask(&p->net, json_pack("{s:s}", "cmd", "drain"), NULL, 0));
	await(&p->net, DRAIN_MS);
	json_decref(
	    child_ask(&p->keeper, json_pack("{s:s}", "cmd", "stop"), NULL, 0));
	await(&p->keeper, DRAIN_MS);
}
