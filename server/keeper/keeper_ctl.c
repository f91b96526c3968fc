#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "server/keeper/keeper_impl.h"

#define SECRET_MIN 22 /* 128 bits in base64. */
#define PASSWORD_MIN 8
#define CHAIN_MAX (1024 * 1024)
#define PATIENCE_MS 2000

/* One request, as its handler sees it. */
struct call {
	struct keeper *k;
	json_t *in, *out;
	const int *fds;
	unsigned fd_count;
	bool fds_taken;
	uint64_t account;
	struct sn_why why;
};

static const char *code_of(enum sn_err err)
{
	switch (err) {
	case SN_EINVAL:
		return ("bad-request");
	case SN_EEXISTS:
		return ("exists");
	case SN_ENOTFOUND:
		return ("not-found");
	case SN_ECONF:
	case SN_EPASSPHRASE:
		return ("bad-key");
	case SN_ESTORE:
	case SN_ESTOREFULL:
	case SN_ECORRUPT:
		return ("store");
	default:
		return ("failed");
	}
}

static struct sn_bytes text_of(const json_t *in, const char *name)
{
	const json_t *v = json_object_get(in, name);

	return (
	    (struct sn_bytes){ json_string_value(v), json_string_length(v) });
}

static enum sn_err on_channels(struct call *c)
{
	unsigned half = c->fd_count / 2;
	enum sn_err err, also;

	if (c->fd_count % 2 != 0)
		return (sn_why(&c->why, SN_EINVAL,
		    "channels come in pairs, and here are %u", c->fd_count));
	c->fds_taken = true;
	err = keeper_sign_channels(c->k->sign, c->fds, half);
	also = keeper_auth_channels(c->k->auth, c->fds + half, half);
	return (err != SN_OK ? err : also);
}

/* For create and reset: the hash of a password or the secret as it is.
 * Argon2 runs here, in the main loop, because an administrator's request is
 * rare and must be done when it is answered. */
static enum sn_err credential(
    struct call *c, char phc[ARGON_PHC_MAX], struct sn_bytes *secret)
{
	struct sn_bytes password = text_of(c->in, "password");

	*secret = text_of(c->in, "secret");
	phc[0] = '\0';
	if ((password.n == 0) == (secret->n == 0))
		return (sn_why(&c->why, SN_EINVAL,
		    "either a password or a one-time secret is needed"));
	if (secret->n > 0)
		return (secret->n >= SECRET_MIN
			    ? SN_OK
			    : sn_why(&c->why, SN_EINVAL,
				  "the one-time secret has fewer than %d "
				  "characters",
				  SECRET_MIN));
	if (password.n < PASSWORD_MIN || password.n > KEEPER_WIRE_BLOB_MAX)
		return (sn_why(&c->why, SN_EINVAL,
		    "the password must have %d to %d bytes", PASSWORD_MIN,
		    KEEPER_WIRE_BLOB_MAX));
	return (argon_hash(&c->k->policy.cost, password, phc));
}

static enum sn_err remember(struct keeper *k, uint64_t account)
{
	return (k->keeping ? map_put(&k->kept, account, k) : SN_OK);
}

static enum sn_err on_create(struct call *c)
{
	char phc[ARGON_PHC_MAX];
	struct sn_bytes secret;
	enum sn_err err;

	if ((err = credential(c, phc, &secret)) != SN_OK ||
	    (err = remember(c->k, c->account)) != SN_OK)
		return (err);
	return (keeper_vault_create(&c->k->vault, c->account,
	    phc[0] != '\0' ? phc : NULL, secret, sn_clock_wall_ms()));
}

static enum sn_err on_reset(struct call *c)
{
	char phc[ARGON_PHC_MAX];
	struct sn_bytes secret;
	enum sn_err err;

	if ((err = credential(c, phc, &secret)) != SN_OK)
		return (err);
	return (keeper_vault_reset(&c->k->vault, c->account,
	    phc[0] != '\0' ? phc : NULL, secret, sn_clock_wall_ms()));
}

static enum sn_err on_unlock(struct call *c)
{
	return (keeper_vault_unlock(&c->k->vault, c->account));
}

static enum sn_err on_remove(struct call *c)
{
	return (keeper_vault_remove(&c->k->vault, c->account));
}

static enum sn_err on_epoch(struct call *c)
{
	return (keeper_vault_epoch(&c->k->vault, c->account));
}

static bool is_kept(void *arg, uint64_t account)
{
	return (map_get(arg, account) != NULL);
}

static enum sn_err on_keep(struct call *c)
{
	struct keeper *k = c->k;
	const json_t *ids = json_object_get(c->in, "ids");
	uint64_t removed = 0;
	enum sn_err err;

	if (!json_is_array(ids))
		return (sn_why(&c->why, SN_EINVAL, "ids must be a list"));
	k->keeping = true;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		json_int_t id = json_integer_value(json_array_get(ids, i));

		if (id <= 0)
			return (sn_why(
			    &c->why, SN_EINVAL, "ids must be numbers above 0"));
		if ((err = remember(k, (uint64_t)id)) != SN_OK)
			return (err);
	}
	if (json_is_true(json_object_get(c->in, "more")))
		return (SN_OK);
	err = keeper_vault_keep(&k->vault, is_kept, &k->kept, &removed);
	map_free(&k->kept);
	memset(&k->kept, 0, sizeof(k->kept));
	k->keeping = false;
	if (removed > 0)
		sn_log(SN_NOTICE, "keeper.orphans", "removed=%llu",
		    (unsigned long long)removed);
	(void)json_object_set_new(
	    c->out, "removed", json_integer((json_int_t)removed));
	return (err);
}

static enum sn_err on_reload(struct call *c)
{
	struct keeper_key_source source = { .name = "the key's file" };
	const char *name = json_string_value(json_object_get(c->in, "name"));
	struct keeper_key *key;
	char *chain;
	enum sn_err err;

	if (c->fd_count != 2)
		return (sn_why(&c->why, SN_EINVAL,
		    "a reload comes with two descriptors, key and chain"));
	if (name != NULL)
		source.name = name;
	source.fd = c->fds[0];
	source.passphrase =
	    json_string_value(json_object_get(c->in, "passphrase"));
	err = sn_file_read_fd(c->fds[1], "the certificate chain", CHAIN_MAX,
	    &chain, &source.chain.n, &c->why);
	if (err != SN_OK)
		return (err);
	source.chain.p = chain;
	if ((err = keeper_key_load(&source, &key, &c->why)) == SN_OK &&
	    (err = keeper_sign_key(c->k->sign, key)) != SN_OK)
		keeper_key_free(key);
	free(chain);
	return (err);
}

static void number(struct call *c, const char *name, uint64_t value)
{
	(void)json_object_set_new(
	    c->out, name, json_integer((json_int_t)value));
}

static enum sn_err on_status(struct call *c)
{
	struct keeper *k = c->k;
	struct keeper_sign_counts sign = keeper_sign_counts(k->sign);
	const struct keeper_logins_counts *logins =
	    keeper_logins_counts(k->logins);
	uint64_t used, map, accounts = 0;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(k->store, &txn)) != SN_OK)
		return (err);
	err = sn_txn_count(txn, KEEPER_DB_ACCOUNTS, &accounts);
	sn_txn_abort(txn);
	sn_store_used(k->store, &used, &map);
	number(c, "accounts", accounts);
	number(c, "signatures", sign.made);
	number(c, "signatures_refused", sign.refused);
	number(c, "signatures_over_rate", sign.over_rate);
	number(c, "requests_refused", keeper_auth_refused(k->auth));
	number(c, "passwords_checked", logins->checked);
	number(c, "passwords_accepted", logins->accepted);
	number(c, "passwords_refused", logins->refused);
	number(c, "passwords_delayed", logins->delayed);
	number(c, "passwords_busy", logins->busy);
	number(c, "passwords_waiting", logins->waiting);
	number(c, "store_used", used);
	number(c, "store_map", map);
	return (err);
}

/* Small enough to be written while the parent waits. */
static enum sn_err on_backup(struct call *c)
{
	enum sn_err err;

	if (c->fd_count != 1)
		return (sn_why(
		    &c->why, SN_EINVAL, "a backup comes with one descriptor"));
	err = sn_store_copy(c->k->store, c->fds[0], &c->why);
	if (err == SN_OK && fsync(c->fds[0]) != 0)
		err = sn_why_errno(
		    &c->why, SN_EIO, "cannot write the keeper's backup");
	return (err);
}

struct number_field {
	const char *name;
	uint64_t *to;
};

/* All of them are there, or nothing is taken. */
static bool take_numbers(
    const json_t *in, const struct number_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_int_t n =
		    json_integer_value(json_object_get(in, fields[i].name));

		if (n <= 0)
			return (false);
		*fields[i].to = (uint64_t)n;
	}
	return (true);
}

/* What sicherd.conf says of passwords, after a reload. */
static enum sn_err on_policy(struct call *c)
{
	struct keeper *k = c->k;
	struct keeper_delays delays;
	uint64_t memory, passes, lanes, queue, answer, secret, token, rate;
	const struct number_field fields[] = {
		{ "memory_kib", &memory },
		{ "iterations", &passes },
		{ "parallelism", &lanes },
		{ "queue", &queue },
		{ "answer_ms", &answer },
		{ "delay_first_ms", &delays.first },
		{ "delay_max_ms", &delays.max },
		{ "failures_per_day", &delays.per_day },
		{ "secret_life_ms", &secret },
		{ "token_life_ms", &token },
		{ "sign_rate", &rate },
	};

	if (!take_numbers(c->in, fields, sizeof(fields) / sizeof(*fields)))
		return (sn_why(
		    &c->why, SN_EINVAL, "a policy's numbers are above 0"));
	k->policy.cost = (struct argon_cost){ (uint32_t)memory,
		(uint32_t)passes, (uint32_t)lanes };
	keeper_logins_change(
	    k->logins, (unsigned)queue, answer * SN_NS_PER_MS, &k->policy.cost);
	k->vault.delays = delays;
	k->vault.secret_life = secret;
	k->vault.token_life = token;
	keeper_sign_rate(k->sign, rate);
	return (SN_OK);
}

static enum sn_err on_stop(struct call *c)
{
	c->k->stop = true;
	return (SN_OK);
}

static const struct {
	const char *cmd;
	bool account; /* account_id is needed. */
	bool fds;     /* Descriptors may come with it. */
	enum sn_err (*handle)(struct call *c);
} commands[] = {
	{ "channels", false, true, on_channels },
	{ "create", true, false, on_create },
	{ "reset", true, false, on_reset },
	{ "unlock", true, false, on_unlock },
	{ "remove", true, false, on_remove },
	{ "epoch", true, false, on_epoch },
	{ "keep", false, false, on_keep },
	{ "reload", false, true, on_reload },
	{ "policy", false, false, on_policy },
	{ "status", false, false, on_status },
	{ "backup", false, true, on_backup },
	{ "stop", false, false, on_stop },
};

static enum sn_err dispatch(struct call *c)
{
	const char *cmd = json_string_value(json_object_get(c->in, "cmd"));
	json_int_t id =
	    json_integer_value(json_object_get(c->in, "account_id"));

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (cmd == NULL || strcmp(commands[i].cmd, cmd) != 0)
			continue;
		if (commands[i].account && id <= 0)
			return (sn_why(&c->why, SN_EINVAL,
			    "%s needs an account_id above 0", cmd));
		if (!commands[i].fds && c->fd_count > 0)
			return (sn_why(&c->why, SN_EINVAL,
			    "%s takes no descriptors", cmd));
		c->account = (uint64_t)id;
		return (commands[i].handle(c));
	}
	return (sn_why(&c->why, SN_EINVAL, "the keeper has no such command"));
}

/* The parent reads its answers; should it not, it may as well not get one. */
static void send_json(int fd, json_t *out)
{
	char *text = json_dumps(out, JSON_COMPACT);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	json_decref(out);
	if (text == NULL)
		return;
	if (channel_send(fd, sn_bytes_of(text), NULL, 0) == SN_EAGAIN &&
	    poll(&p, 1, PATIENCE_MS) == 1 &&
	    channel_send(fd, sn_bytes_of(text), NULL, 0) != SN_OK)
		sn_log(SN_ALARM, "keeper.ctl", "what=\"answer lost\"");
	free(text);
}

static void tell(json_t *out, enum sn_err err, const char *text)
{
	(void)json_object_set_new(out, "ok", json_boolean(err == SN_OK));
	if (err == SN_OK)
		return;
	(void)json_object_set_new(out, "error", json_string(code_of(err)));
	(void)json_object_set_new(out, "message",
	    json_string(text[0] != '\0' ? text : sn_err_text(err)));
}

void keeper_ctl_say(int fd, enum sn_err err, const char *text)
{
	json_t *out = json_pack("{s:i}", "id", 0);

	if (out == NULL)
		return;
	tell(out, err, text);
	send_json(fd, out);
}

static void serve(struct keeper *k, struct sn_bytes message, const int *fds,
    unsigned fd_count)
{
	struct call c = { .k = k, .fds = fds, .fd_count = fd_count };
	json_error_t where;
	enum sn_err err;
	json_t *id;

	c.in = json_loadb(message.p, message.n, 0, &where);
	c.out = json_object();
	id = json_object_get(c.in, "id");
	(void)json_object_set(c.out, "id", id != NULL ? id : json_null());
	err = dispatch(&c);
	json_decref(c.in);
	tell(c.out, err, c.why.text);
	send_json(k->ctl.fd, c.out);
	for (unsigned i = 0; i < fd_count && !c.fds_taken; i++)
		(void)close(fds[i]);
}

void keeper_ctl_read(struct keeper *k)
{
	int fds[CHANNEL_FDS_MAX];
	unsigned count = 0;
	size_t n = 0;

	switch (channel_recv(k->ctl.fd, k->message, sizeof(k->message), &n, fds,
	    CHANNEL_FDS_MAX, &count)) {
	case SN_OK:
		serve(k, (struct sn_bytes){ k->message, n }, fds, count);
		sn_secret_wipe(k->message, n);
		break;
	case SN_EAGAIN:
		break;
	case SN_ETOOBIG:
		keeper_ctl_say(k->ctl.fd, SN_EINVAL, "the request is too big");
		break;
	default:
		k->stop = true; /* Nobody is there to serve any more. */
		break;
	}
}
