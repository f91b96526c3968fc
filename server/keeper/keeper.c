#include "server/keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/file.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/keeper/keeper_impl.h"
#include "server/base/sandbox.h"
#include "server/base/settings.h"

#define KIB 1024

static enum sn_err policy_of(
    const struct settings *s, struct keeper_policy *out)
{
	int n;

	memset(out, 0, sizeof(*out));
	n = snprintf(out->dir, sizeof(out->dir), "%s/keeper", s->data);
	out->map_size = s->store.keeper_map_size;
	out->cost.memory_kib = (uint32_t)(s->password.memory / KIB);
	out->cost.iterations = (uint32_t)s->password.iterations;
	out->cost.parallelism = (uint32_t)s->password.parallelism;
	out->workers = (unsigned)s->password.workers;
	out->queue_max = (unsigned)s->password.queue;
	out->answer_ms = s->password.answer_time;
	out->delays.first = s->password.delay_first;
	out->delays.max = s->password.delay_max;
	out->delays.per_day = s->password.failures_per_day;
	out->secret_life_ms = s->password.first_secret_life;
	out->token_life_ms = s->password.token_life;
	out->sign_rate = s->limits.sign_rate;
	out->sandbox = sandbox_enter_keeper;
	return (n > 0 && (size_t)n < sizeof(out->dir) ? SN_OK : SN_ECONF);
}

/* The parent says when to stop; a ^C that reaches the whole group, or a
 * hang-up, must not take the key away from sessions that still end. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &ignore, NULL);
}

/* Every thread that is started from here on opens files in ${dir} alone. */
static enum sn_err enter_folder(const char *dir, struct sn_why *why)
{
	enum sn_err err;

	if ((err = sn_file_mkdir(dir, 0700, why)) != SN_OK)
		return (err);
	/* While there is a random device to open. */
	json_object_seed(0);
	return (sandbox_files(dir, why));
}

int keeper_run(const struct keeper_start *start)
{
	struct keeper_policy policy;
	const struct keeper_key_source key = {
		.fd = start->key_fd,
		.name = start->key_name,
		.passphrase = start->passphrase,
		.chain = start->chain_pem,
	};
	struct sn_why why = { "" };
	int status;

	sn_log_setup("keeper", (enum sn_level)start->settings->log_level);
	ignore_signals();
	if (sn_secret_process() != SN_OK)
		sn_log(SN_ALARM, "keeper.dumpable", "reason=\"%s\"",
		    strerror(errno));
	if (policy_of(start->settings, &policy) != SN_OK) {
		keeper_ctl_say(start->ctl_fd, SN_ECONF,
		    "the path of the data directory is too long");
		return (1);
	}
	if (enter_folder(policy.dir, &why) != SN_OK) {
		keeper_ctl_say(start->ctl_fd, SN_EIO, why.text);
		return (1);
	}
	policy.latch = start->latch;
	status = keeper_serve(&policy, &key, start->ctl_fd);
	(void)close(start->ctl_fd);
	return (status);
}
