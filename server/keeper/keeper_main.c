#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/keeper/keeper_impl.h"

#define TEND_NS (3600 * SN_NS_PER_S)

/* JSON is where passwords of administrators' requests are copied to. */
static void wiping_free(void *p)
{
	if (p == NULL)
		return;
	sn_secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static void on_ctl(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct keeper *k =
	    (struct keeper *)((char *)watch - offsetof(struct keeper, ctl));

	(void)can_read;
	(void)can_write;
	keeper_ctl_read(k);
}

static enum sn_err open_vault(struct keeper *k, struct sn_why *why)
{
	const struct keeper_policy *p = &k->policy;
	enum sn_err err;

	/* Asked before the start's own writing, which a bad disk ends. */
	k->vault.reading_only = p->latch != NULL && atomic_load(p->latch) != 0;
	err = keeper_db_open(p->dir, p->map_size, p->latch, &k->store, why);
	if (err != SN_OK)
		return (err);
	k->vault.store = k->store;
	k->vault.delays = p->delays;
	k->vault.token_life = p->token_life_ms;
	k->vault.secret_life = p->secret_life_ms;
	return (keeper_vault_open(&k->vault, sn_clock_wall_ms(), why));
}

static enum sn_err start_threads(struct keeper *k,
    const struct keeper_key_source *source, struct sn_why *why)
{
	const struct keeper_logins_options options = {
		.vault = &k->vault,
		.mailbox = k->mailbox,
		.workers = k->policy.workers,
		.queue_max = k->policy.queue_max,
		.answer_ns = k->policy.answer_ms * SN_NS_PER_MS,
		.cost = k->policy.cost,
	};
	struct keeper_key *key;
	enum sn_err err;

	err = keeper_key_load(source, &key, why);
	(void)close(source->fd);
	if (err != SN_OK)
		return (err);
	err = keeper_sign_start(k->policy.sign_rate, key, &k->sign);
	if (err != SN_OK) {
		keeper_key_free(key);
		return (err);
	}
	return (keeper_logins_new(&options, &k->logins));
}

static enum sn_err watch_ctl(struct keeper *k, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	k->ctl.fd = fd;
	k->ctl.read = true;
	k->ctl.ready = on_ctl;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return (SN_EIO);
	return (sn_poll_add(k->poll, &k->ctl));
}

static enum sn_err start(struct keeper *k,
    const struct keeper_key_source *source, int ctl_fd, struct sn_why *why)
{
	enum sn_err err;

	if ((err = sn_poll_new(&k->poll)) != SN_OK ||
	    (err = mailbox_new(k->poll, k, &k->mailbox)) != SN_OK ||
	    (err = open_vault(k, why)) != SN_OK ||
	    (err = start_threads(k, source, why)) != SN_OK ||
	    (err = keeper_auth_new(k->poll, &k->vault, k->logins, &k->auth)) !=
		SN_OK ||
	    (err = watch_ctl(k, ctl_fd)) != SN_OK)
		return (err);
	/* The last thing: every thread is under it then. */
	return (k->policy.sandbox == NULL ? SN_OK : k->policy.sandbox(why));
}

static int timeout_ms(uint64_t ns)
{
	if (ns > 60 * SN_NS_PER_S)
		return (60 * 1000);
	return ((int)((ns + SN_NS_PER_MS - 1) / SN_NS_PER_MS));
}

static void loop(struct keeper *k)
{
	uint64_t tended = sn_clock_mono(), now, wait;

	while (!k->stop) {
		now = sn_clock_mono();
		wait = keeper_logins_tick(k->logins, now);
		keeper_auth_tend(k->auth);
		if (now - tended > TEND_NS) {
			keeper_vault_tend(&k->vault, sn_clock_wall_ms());
			tended = now;
		}
		if (sn_poll_turn(k->poll, timeout_ms(wait)) != SN_OK)
			return;
	}
}

/* The order of mailboxes and threads: see keeper_logins_stop. */
static void stop(struct keeper *k)
{
	keeper_auth_free(k->auth);
	keeper_sign_stop(k->sign);
	keeper_logins_stop(k->logins);
	mailbox_free(k->mailbox);
	keeper_logins_free(k->logins);
	map_free(&k->kept);
	sn_store_close(k->store);
	sn_poll_free(k->poll);
	sn_secret_wipe(k, sizeof(*k));
	free(k);
}

int keeper_serve(const struct keeper_policy *policy,
    const struct keeper_key_source *key, int ctl_fd)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct sn_why why = { "" };
	enum sn_err err;

	json_set_alloc_funcs(malloc, wiping_free);
	/* Once it is in the sandbox there is no random device to open. */
	json_object_seed(0);
	if (k == NULL)
		return (1);
	k->policy = *policy;
	err = start(k, key, ctl_fd, &why);
	keeper_ctl_say(ctl_fd, err, why.text);
	if (err == SN_OK)
		loop(k);
	else
		sn_log(SN_ALARM, "keeper.start", "err=%s reason=\"%s\"",
		    sn_err_name(err), why.text);
	stop(k);
	return (err == SN_OK ? 0 : 1);
}
